"""Growing a trained network into a larger one with the same function, as a plan (Chen et al. 2016, "Net2Net").

``blocks`` finds the blocks that belong together, ``pieces`` the channels that are repeated, ``identity`` and ``chains``
how new blocks pass on what comes in, as ``orders``; ``plan`` puts it together. The weights are made in
``evaluators.growth``.
"""

from __future__ import annotations

from space.growth.plan import Growth, Note, growth

__all__ = ["Growth", "Note", "growth"]
