"""The audit log of a run: every model call and command, redacted, each entry chained to the one before by its hash."""

from __future__ import annotations

from repoagent.audit.log import (
    AUDIT_FILE,
    AuditChainBroken,
    AuditLog,
    is_reported,
    parse_chain,
    record_result,
    verify_file,
)
from repoagent.audit.model import AuditedModel
from repoagent.audit.sandbox import AuditedEngine

__all__ = [
    "AUDIT_FILE",
    "AuditChainBroken",
    "AuditLog",
    "AuditedEngine",
    "AuditedModel",
    "is_reported",
    "parse_chain",
    "record_result",
    "verify_file",
]
