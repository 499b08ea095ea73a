"""The nodes: each takes the state and the services and returns what is new in the state."""

from repoagent.graph.nodes.deciding import begin, diagnose, gather, select
from repoagent.graph.nodes.delivering import deliver, minimise, review
from repoagent.graph.nodes.drafting import draft, validate
from repoagent.graph.nodes.evidence import baseline, reproduce
from repoagent.graph.nodes.proving import regress, weigh
from repoagent.graph.nodes.understanding import approve, intake, localise, plan, specify, survey

__all__ = [
    "approve",
    "baseline",
    "begin",
    "deliver",
    "diagnose",
    "draft",
    "gather",
    "intake",
    "localise",
    "minimise",
    "plan",
    "regress",
    "reproduce",
    "review",
    "select",
    "specify",
    "survey",
    "validate",
    "weigh",
]
