"""A network as one readable file of plain PyTorch, generated from its lowered graph."""

from __future__ import annotations

from evaluators.export.python_source.source import PythonSource, python_names, source_of

__all__ = ["PythonSource", "python_names", "source_of"]
