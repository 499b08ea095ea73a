"""Clients of model servers, and the profiles of models; `local` has the weights and the server of this machine."""

from repoagent.llm.opening import open_model

__all__ = ["open_model"]
