"""The GitHub Action: three steps in three jobs. `begin` checks who asks and takes the issue down, `solve` looks for a
patch with no right but to read the code, `publish` checks what it found and brings it to GitHub, without a model.
"""

from __future__ import annotations
