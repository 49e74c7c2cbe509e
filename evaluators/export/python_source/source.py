"""The file ``model.py``: one network in plain PyTorch, with what is needed to use it.

The classes come from the lowered graph: operations to modules (``scopes``), blocks that can share a class
(``merging``), its parameters (``parameters``, ``classes``), ``forward`` and the network's listing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evaluators.export.python_source.classes import Classes
from evaluators.export.python_source.listing import children_lines, shape_text
from evaluators.export.python_source.operations import HELPERS
from evaluators.export.python_source.scopes import Chain, Leaf, Module, network_chains
from evaluators.export.python_source.use import imports, title, use
from evaluators.trained.run_folder import Preprocessing
from space.architecture import Architecture
from space.blocks import Auxiliary
from space.cost import costs

_AUXILIARY = ["Without the auxiliary classifiers, which exist in training only.", ""]


@dataclass(frozen=True)
class PythonSource:
    """``text`` is the file. ``names`` leads from the weights' names in nascale's network to those in the file."""

    text: str
    names: Mapping[str, str]


def source_of(
    architecture: Architecture, preprocessing: Preprocessing, classes: tuple[str, ...]
) -> PythonSource:
    """The network as a person would write it in PyTorch, which runs with torch alone.

    The same network gives the same text. Auxiliary classifiers, which exist in training only, are left out, and so
    are operations that have no part in the output.
    """
    architecture = architecture.live()
    children = network_chains(architecture)
    made = Classes.of(list(children.values()))
    entry = (architecture.in_channels, architecture.resolution, architecture.resolution)
    body = [
        "class Network(nn.Module):",
        f'    """Images ({shape_text(entry)}) → logits ({architecture.classes})."""',
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *children_lines(children, made, entry, "        "),
        "",
        "    def forward(self, x: Tensor) -> Tensor:",
        *[f"        x = self.{name}(x)" for name in list(children)[:-1]],
        f"        return self.{list(children)[-1]}(x)",
    ]
    written = ["\n".join(c.lines) for c in made.found] + ["\n".join(body)]
    helpers = [text.strip("\n") for name, text in HELPERS.items() if any(f"{name}(" in w for w in written)]
    parts = [*helpers, *written, *use(preprocessing, classes)]
    text = "\n".join(
        [*_header(architecture), "", *imports(architecture.in_channels), "\n", "\n\n\n".join(parts), ""]
    )
    return PythonSource(text, dict(_names(children, made)))


def python_names(architecture: Architecture) -> dict[str, str]:
    """The weights' names in nascale's network → those in the file."""
    children = network_chains(architecture.live())
    return dict(_names(children, Classes.of(list(children.values()))))


def _header(architecture: Architecture) -> list[str]:
    known = costs(architecture)
    size = architecture.resolution
    return [
        f'"""{title(architecture.label)}',
        "",
        f"{known.params:,} parameters; {known.macs:,} multiply-accumulates for an image of {size} × {size} pixels.",
        "",
        *_AUXILIARY[: 2 * any(isinstance(block, Auxiliary) for block in architecture.blocks)],
        "``load`` gives the trained network, ``predict`` classifies images, and ``python model.py PHOTO...``",
        "says what is in photos. Needs nothing but PyTorch (and Pillow to open photos).",
        '"""',
    ]


def _names(children: Mapping[str, Chain], classes: Classes) -> Iterator[tuple[str, str]]:
    for name, chain in children.items():
        yield from _inner_names(chain, name, classes)


def _inner_names(module: Module, place: str, classes: Classes) -> Iterator[tuple[str, str]]:
    if isinstance(module, Leaf):
        for state in module.state():
            yield f"{module.path}.{state}", f"{place}.{state}"
    elif isinstance(module, Chain):
        for index, item in enumerate(module.items):
            yield from _inner_names(item, f"{place}.{index}", classes)
    else:
        attributes = classes.use(module)[0].attributes
        for name, part in module.parts.items():
            yield from _inner_names(part.inner, f"{place}.{attributes[name]}", classes)
