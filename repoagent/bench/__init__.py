"""Batch runs over benchmarks: datasets, resumable runs on one machine or many, evaluation, reports."""
