"""An issue-to-patch agent for whole repositories that runs on a local code model."""

__version__ = "0.1.0"
