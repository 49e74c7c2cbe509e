"""The cell of NAS-Bench-201: its costs and its isomorphism against what the benchmark publishes."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from space import zoo
from space.architecture import Architecture
from space.blocks import CELL_OPERATIONS, Cell, cell_from_string
from space.codec import from_json, to_json
from space.cost import costs
from space.errors import InputError
from space.lowering import lower
from space.scaling import scale
from space.spaces import space

SHARED = Path(os.environ.get("NASCALE_SHARED") or Path(__file__).resolve().parents[3] / "shared")
SPACE = space("nas-bench-201")
CELLS = list(SPACE.enumerate())


def network(*operations: str) -> Architecture:
    return SPACE.decode({f"e{i}": operation for i, operation in enumerate(operations)})


def cell(*operations: str) -> Cell:
    return Cell(operations)


def drawn(count: int) -> list[Architecture]:
    return [SPACE.decode(d) for d in random.Random(0).sample(CELLS, count)]


def test_the_largest_and_the_smallest_cell_cost_what_is_published() -> None:
    """MACs and params of the all-3×3 cell (220.12 M, 1.531546 M) and of the empty one (7.78 M, 0.073306 M)."""
    largest, smallest = costs(network(*["nor_conv_3x3"] * 6)), costs(network(*["none"] * 6))
    assert (largest.macs, largest.params) == (220_119_680, 1_531_546)
    assert (smallest.macs, smallest.params) == (7_783_040, 73_306)


def test_every_operation_counts_wherever_it_stands() -> None:
    """The benchmark counts the convolutions of a cell, idle ones too, so the costs of its edges add up."""
    empty = costs(network(*["none"] * 6))
    added = {o: costs(network(o, *["none"] * 5)) for o in CELL_OPERATIONS}
    for made in drawn(300):
        operations = made.stages[0].blocks[0].operations  # type: ignore[attr-defined]
        found = costs(made)
        assert found.macs == empty.macs + sum(added[o].macs - empty.macs for o in operations)
        assert found.params == empty.params + sum(added[o].params - empty.params for o in operations)


def test_isomorphic_cells_share_a_key_and_no_others_do() -> None:
    names = [Cell(tuple(map(str, d.values()))).canonical for d in CELLS]
    assert len(CELLS) == 15_625 and len(set(names)) == 6_466
    some = random.Random(1).sample(range(len(CELLS)), 400)
    keys = {i: SPACE.decode(CELLS[i]).key for i in some}
    assert len(set(keys.values())) == len({names[i] for i in some}) < len(some)
    by_name = {names[i]: keys[i] for i in some}
    assert all(keys[i] == by_name[names[i]] for i in some)


def test_the_names_of_cells_are_those_of_the_benchmark() -> None:
    source = SHARED / "data" / "tables" / "nb201-imagenet16-12-epochs.parquet"
    if not source.exists():
        pytest.skip(f"{source} is not there (set NASCALE_SHARED)")
    import pandas as pd

    frame = pd.read_parquet(source)
    rows = frame[[f"e{i}" for i in range(6)]].itertuples(index=False, name=None)
    assert [Cell(row).canonical for row in rows] == frame["cell"].tolist()


def test_keys_differ_between_images_and_channels() -> None:
    operations = ("nor_conv_3x3", *["skip_connect"] * 5)
    base = network(*operations)
    assert base.replace(resolution=16).key != base.key != base.replace(classes=100).key
    assert scale(base, width=2).key != base.key


@pytest.mark.parametrize(
    ("operations", "idle"),
    [
        # Nothing leads from node 1 to the output.
        (("nor_conv_3x3", "skip_connect", "none", "nor_conv_1x1", "none", "none"), (0, 1)),
        # Nothing leads to node 1; node 2 holds zeros, on which a convolution still has its shift.
        (("none", "none", "none", "none", "none", "nor_conv_1x1"), ()),
        (("none", "none", "nor_conv_3x3", "skip_connect", "none", "nor_conv_1x1"), (2,)),
        (("none", "skip_connect", "nor_conv_3x3", "none", "nor_conv_1x1", "avg_pool_3x3"), (2, 4)),
        # Nothing leads to the output, so everything is idle.
        (("nor_conv_3x3", "skip_connect", "avg_pool_3x3", "none", "none", "none"), (0, 1, 2)),
        (("nor_conv_3x3",) * 6, ()),
    ],
)
def test_idle_operations_by_hand(operations: tuple[str, ...], idle: tuple[int, ...]) -> None:
    assert tuple(i for i, is_idle in enumerate(Cell(operations).idle) if is_idle) == idle


def test_the_live_network_is_the_same_function_without_what_is_idle() -> None:
    for made in drawn(60):
        live = made.live()
        assert live.key == made.key and live.live() is live
        graph = lower(live)
        assert graph.at_inference() == graph.needed_for(graph.output)
        found = costs(live)
        assert (found.params <= costs(made).params) and (found.macs <= costs(made).macs)
        assert (live is made) == (not any(made.stages[0].blocks[0].idle))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "mobilenet_v2"])
def test_a_network_without_cells_is_live_as_it_is(name: str) -> None:
    made = zoo.architecture(name)
    assert made.live() is made


def test_a_string_of_the_benchmark_is_read() -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    read = cell_from_string(text)
    assert read == cell("nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "none")
    assert read.description == "Cell 3×3 | – skip | avg 1×1 –"
    for bad in ("", "|skip~0|", text.replace("~2", "~1"), "|none~0|+|none~0|"):
        with pytest.raises(InputError, match="cell: wanted text such as"):
            cell_from_string(bad)


@pytest.mark.parametrize("operations", [(), ("none", "none"), ("conv",), ["none"]])
def test_a_cell_of_no_graph_is_refused(operations: object) -> None:
    with pytest.raises(InputError, match=r"Cell\.operations"):
        Cell(operations)  # type: ignore[arg-type]


def test_cells_are_written_and_read() -> None:
    for made in drawn(20):
        assert from_json(to_json(made)) == made


def test_maps_of_odd_sizes_are_halved_upwards() -> None:
    made = network(*["skip_connect"] * 6).replace(resolution=25)
    shapes = [segment.shape for _, _, segment in made.segments()]
    assert {shape[1:] for shape in shapes if len(shape) == 3} == {(25, 25), (13, 13), (7, 7), (1, 1)}
