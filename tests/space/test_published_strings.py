"""Block strings of published networks against timm: what it builds from them, and its tables of results.

``timm_block_strings.csv``: networks of timm 1.0.31 by its names, with the strings of its model definitions after its
rounding of channels and repeats. Parameters are those of the module as it is created, MACs half of
``torch.utils.flop_counter``'s FLOPs on the meta device at the resolution that timm names.

``timm_results.csv``: rows of timm's ``results/benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv``.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from space import notation
from space.cost import costs
from space.lowering import lower
from space.operations import AdaptiveAvgPool, BatchNorm

FIXTURES = Path(__file__).parents[1] / "fixtures"


def table(name: str) -> list[dict[str, str]]:
    with (FIXTURES / name).open(newline="") as file:
        return list(csv.DictReader(file))


STRINGS = {row["name"]: row for row in table("timm_block_strings.csv")}
RESULTS = table("timm_results.csv")


@pytest.mark.parametrize("name", STRINGS)
def test_params_and_macs_are_those_that_timm_builds(name: str) -> None:
    row = STRINGS[name]
    found = costs(notation.read(row["blocks"]))
    assert (found.params, found.macs) == (int(row["params"]), int(row["macs"]))


@pytest.mark.parametrize("name", STRINGS)
def test_written_strings_give_the_same_network(name: str) -> None:
    architecture = notation.read(STRINGS[name]["blocks"])
    assert notation.read(notation.write(architecture)).key == architecture.key


@pytest.mark.parametrize("row", RESULTS, ids=lambda row: f"{row['name']}-{row['resolution']}")
def test_timms_tables_of_results(row: dict[str, str]) -> None:
    """timm's GMACs count batch normalisations (2 per number) and the global pool (1 per number) as MACs too."""
    architecture = notation.read(STRINGS[row["name"]]["blocks"]).replace(resolution=int(row["resolution"]))
    found, graph = costs(architecture), lower(architecture)
    norms = sum(2 * node.elements for node in graph.nodes if isinstance(node.op, BatchNorm))
    pools = sum(
        graph.nodes[node.inputs[0]].elements
        for node in graph.nodes
        if isinstance(node.op, AdaptiveAvgPool) and node.path.startswith("head.")
    )
    assert round(found.params / 1e6, 2) == float(row["params_millions"])
    assert round((found.macs + norms + pools) / 1e9, 2) == float(row["gmacs"])
    assert round(found.activations / 1e6, 2) == float(row["activations_millions"])


def test_the_tables_hold_what_they_are_meant_to() -> None:
    for family in ("mobilenetv4_conv", "efficientnet_e", "mobilenet_edgetpu", "fbnet", "spnasnet", "lcnet"):
        assert any(name.startswith(family) for name in STRINGS), family
    assert len(STRINGS) >= 60
    assert len(RESULTS) >= 60
