"""No pruning: every trial is measured to its end."""

from __future__ import annotations

from search.pruning.protocol import PrunerInfo

PRUNER = PrunerInfo("none", "every trial is measured to its end", lambda schedule: None)
