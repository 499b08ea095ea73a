"""The audit log of a run: every model call and command, redacted, each entry chained to the one before by its hash."""

from __future__ import annotations

from repoagent.audit.log import FILE, AuditLog, Broken, chain, is_reported, report, verify
from repoagent.audit.model import AuditedModel
from repoagent.audit.sandbox import AuditedEngine

__all__ = [
    "FILE",
    "AuditLog",
    "AuditedEngine",
    "AuditedModel",
    "Broken",
    "chain",
    "is_reported",
    "report",
    "verify",
]
