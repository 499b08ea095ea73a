"""What runs say: of the untouched code, of the issue's example, and of each candidate. Never a model's word.

`workbench` runs things in sandboxes; `baseline` measures the untouched code; `reproduction` makes the issue a check
that fails today; `evaluate` tests one candidate; `screening` tries hundreds of variants of one function at once.
"""

from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.evaluate import evaluate
from repoagent.evidence.verdict import Baseline
from repoagent.evidence.workbench import Workbench

__all__ = ["Baseline", "EvaluationContext", "Workbench", "evaluate"]
