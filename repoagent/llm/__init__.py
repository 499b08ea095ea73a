"""Models: clients, profiles, the weights of the embedded ones, and the server that serves those."""

from repoagent.llm.opening import open_model

__all__ = ["open_model"]
