"""A network of the MBConv family as a model of timm: its block strings, a file that registers it, its weights' names."""

from __future__ import annotations

from evaluators.export.timm_source.source import TimmSource, timm_source_of

__all__ = ["TimmSource", "timm_source_of"]
