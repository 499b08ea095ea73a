"""The GitHub Action: three steps in three jobs. `begin` checks who asks and freezes the issue, `solve` looks for a
patch with no right but to read the code, `publish` checks the result and brings it to GitHub, without a model.
"""

from __future__ import annotations
