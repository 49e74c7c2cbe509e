"""Costs against hand counts, closed forms, published tables, and what torch really builds and keeps."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from space import zoo
from space.architecture import Architecture, Stage
from space.blocks import (
    Activate,
    Block,
    Conv,
    ConvNeXt,
    ConvNeXtDownsample,
    Dense,
    Drop,
    GlobalPool,
    MBConv,
    NormAct,
    Pool,
    SqueezeExcite,
)
from space.codec import from_json, to_json
from space.cost import DTYPES, Costs, costs, graph_costs, segment_costs
from space.errors import InputError, UnknownNameError
from space.lowering import lower
from space.segment import lower_block
from space.spaces import SPACES
from space.spaces import space as known_space
from space.zoo.spaces import mnasnet, nas_bench_macro

THOROUGH = os.environ.get("NASCALE_THOROUGH") == "1"
RANDOM_NETWORKS = 1000 if THOROUGH else 6
# One network of each kind of block; all of them where asked to be thorough.
TRAINED = (
    zoo.ZOO
    if THOROUGH
    else (
        "alexnet_2012",
        "vgg11_bn",
        "googlenet",
        "inception_v3",
        "preact_resnet18",
        "se_resnext50_32x4d",
        "densenet121",
        "mobilenet_v1",
        "mobilenet_v2",
        "mobilenet_v3_small",
        "efficientnet_b0",
        "efficientnet_b0@drop_path=0.2",
        "efficientnetv2_s",
        "convnext_tiny@drop_path=0.1",
    )
)
LARGE = {
    *("densenet161", "densenet169", "densenet201", "resnet101", "resnet152", "preact_resnet101"),
    *("resnext101_32x4d", "resnext101_32x8d", "resnext101_64x4d", "efficientnet_lite3", "efficientnet_lite4"),
    *("efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_b8", "efficientnet_l2"),
}
"""More of the layers that a smaller network of the zoo has; building and counting them takes as long as all others."""


def network(*blocks: Block, resolution: int = 32, classes: int = 10) -> Architecture:
    return Architecture((Conv(16),), (Stage(blocks),), (GlobalPool(), Dense()), resolution, classes)


def samples(name: str, count: int) -> list[Architecture]:
    space = known_space(name, bounds={"macs": 5e6})
    rng = random.Random(f"{name} {count}")
    return [space.decode(space.sample(rng)) for _ in range(count)]


def whole(architecture: Architecture) -> Costs:
    """The costs of the whole graph at once: the slow form that ``costs`` must agree with."""
    part = graph_costs(lower(architecture))
    pixels = architecture.in_channels * architecture.resolution**2
    kept = part.saved + part.saves_input * pixels + part.saves_output * architecture.classes
    saved_bytes = 4 * kept + 8 * part.saved_indices + 4 * part.saved_statistics
    trained = part.params + part.auxiliary_params
    return Costs(
        params=part.params,
        auxiliary_params=part.auxiliary_params,
        macs=part.macs,
        flops=part.flops,
        activations=part.activations,
        activation_bytes=4 * part.peak,
        weight_bytes=4 * part.params,
        saved_bytes=saved_bytes,
        training_bytes=saved_bytes + 4 * part.training_peak + 3 * 4 * trained,
    )


def counted_by_torch(architecture: Architecture) -> tuple[int, int]:
    """(params, FLOPs by torch's counter) of the built module, on the meta device."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from evaluators.network import build

    net = build(architecture, seed=None).eval()
    size = architecture.resolution
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.empty(1, architecture.in_channels, size, size, device="meta"))
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops()


def bytes_kept_for_backward(architecture: Architecture, batch: int, device: str) -> int:
    """Bytes of the distinct storages that autograd saves in one training forward pass, parameters apart."""
    torch = pytest.importorskip("torch")
    from evaluators.network import build

    net = build(architecture, seed=None if device == "meta" else 0, auxiliaries=True).train()
    owned = {t.untyped_storage()._cdata for t in (*net.parameters(), *net.buffers())}
    kept: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in owned and tensor.dim() > 0:
            kept[storage._cdata] = storage  # holding it keeps its address from being used again
        return tensor

    size = architecture.resolution
    x = torch.zeros(batch, architecture.in_channels, size, size, device=device)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(x)
    return sum(storage.nbytes() for storage in kept.values())


def test_a_small_network_counted_by_hand() -> None:
    architecture = network(Conv(8, 3, 2), resolution=8)
    found = costs(architecture)
    first, second, linear = 16 * 27 + 32, 8 * 16 * 9 + 16, 8 * 10 + 10
    assert found.params == first + second + linear
    assert found.macs == 27 * 16 * 64 + 144 * 8 * 16 + 80
    # Per element: 2 per MAC, 2 for the norm, 1 for relu; the pool adds 16 numbers for each of 8 channels.
    elements = 16 * 64 + 8 * 16
    assert found.flops == 2 * found.macs + 3 * elements + 8 * 16 + 10
    assert found.activations == elements + 10
    # Norm and relu of the first layer hold two maps of 16 x 8 x 8 at once.
    assert found.activation_bytes == 2 * 16 * 64 * 4
    # Kept: the image, both convolutions' outputs and relus, statistics, and the pooled features.
    kept = 3 * 64 + 2 * elements + 8
    assert found.saved_bytes == 4 * kept + 4 * 2 * (16 + 8)
    in_flight = 2 * 16 * 64
    assert found.training_bytes == found.saved_bytes + 4 * in_flight + 3 * 4 * found.params


@pytest.mark.parametrize("channels", [8, 64, 320])
def test_three_3x3_against_one_7x7(channels: int) -> None:
    """27C² against 49C² weights for the same receptive field (Simonyan & Zisserman 2014, §2.3)."""

    def params(blocks: tuple[Block, ...]) -> int:
        shape, total = (channels, 32, 32), 0
        for block in blocks:
            segment = lower_block(block, shape, 10)
            total += segment_costs(segment).params
        return total

    def plain(kernel: int) -> Conv:
        return Conv(channels, kernel, norm=False, bias=False)

    assert params((plain(3),) * 3) == 27 * channels**2
    assert params((plain(7),)) == 49 * channels**2


@pytest.mark.parametrize("name", zoo.ZOO)
def test_segments_add_up_to_the_whole(name: str) -> None:
    architecture = zoo.architecture(name)
    assert costs(architecture) == whole(architecture)


@pytest.mark.parametrize("name", SPACES)
def test_random_segments_add_up_to_the_whole(name: str) -> None:
    for architecture in samples(name, RANDOM_NETWORKS):
        assert costs(architecture) == whole(architecture)


_BLOCKS = st.sampled_from(
    (
        Conv(16),
        Conv(24, 1, activation=None),
        MBConv(16, expansion=2),
        MBConv(16, squeeze_excite=SqueezeExcite(), activation="silu", drop_path=0.1),
        Pool("max", 3, 1),
        Pool("avg", 3, 1),
        ConvNeXt(),
        ConvNeXt(3, 2, "relu", layer_scale=0, drop_path=0.1),
        ConvNeXtDownsample(16, 1),
        NormAct("hard_swish"),
        Activate("relu"),
        Activate("tanh"),
        Activate("relu6"),
        Drop(0.3),
        Drop(0.0),
    )
)


@settings(deadline=None)
@given(st.lists(_BLOCKS, min_size=1, max_size=6))
def test_any_chain_of_blocks_adds_up_to_the_whole(blocks: list[Block]) -> None:
    architecture = network(*blocks, resolution=8)
    assert costs(architecture) == whole(architecture)


@settings(deadline=None, max_examples=500 if THOROUGH else 30)
@given(st.lists(_BLOCKS, min_size=1, max_size=5))
def test_any_chain_keeps_what_torch_keeps(blocks: list[Block]) -> None:
    architecture = network(*blocks, resolution=8)
    assert costs(architecture, batch=3).saved_bytes == bytes_kept_for_backward(architecture, 3, "meta")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in zoo.ZOO]
)
def test_zoo_equals_the_built_module(name: str) -> None:
    architecture = zoo.architecture(name)
    found = costs(architecture)
    assert counted_by_torch(architecture) == (found.params, 2 * found.macs)


@pytest.mark.parametrize("name", SPACES)
def test_random_networks_equal_the_built_module_and_travel_as_json(name: str) -> None:
    for architecture in samples(name, RANDOM_NETWORKS):
        found = costs(architecture)
        assert counted_by_torch(architecture) == (found.params, 2 * found.macs)
        back = from_json(to_json(architecture))
        assert back == architecture
        assert back.key == architecture.key


@pytest.mark.parametrize("name", TRAINED)
def test_training_keeps_what_torch_keeps(name: str) -> None:
    architecture = zoo.architecture(name)
    kept = bytes_kept_for_backward(architecture, 2, "meta")
    assert costs(architecture, batch=2).saved_bytes == kept


def test_training_on_the_cpu_keeps_the_same() -> None:
    architecture = zoo.architecture("mobilenet_v3_small")
    assert costs(architecture, batch=2).saved_bytes == bytes_kept_for_backward(architecture, 2, "cpu")


def test_memory_grows_with_the_batch_and_shrinks_with_the_dtype() -> None:
    architecture = zoo.architecture("resnet18")
    one = costs(architecture)
    eight = costs(architecture, batch=8)
    assert eight.activation_bytes == 8 * one.activation_bytes
    assert (eight.params, eight.macs, eight.flops) == (one.params, one.macs, one.flops)
    for dtype, number_bytes in DTYPES.items():
        found = costs(architecture, dtype=dtype)
        assert found.activation_bytes == one.activation_bytes * number_bytes // 4
        assert found.weight_bytes == one.params * number_bytes


def test_optimizers_differ_by_their_state() -> None:
    architecture = zoo.architecture("resnet18")
    sgd, adam = (costs(architecture, optimizer=o).training_bytes for o in ("sgd", "adam"))
    assert adam - sgd == 2 * 4 * 11_689_512


def test_auxiliary_heads_count_in_training_alone() -> None:
    with_heads = costs(zoo.architecture("googlenet"))
    assert (with_heads.params, with_heads.auxiliary_params) == (6_998_552, 13_378_280 - 6_998_552)


@pytest.mark.parametrize("batch", [0, -1, 2.5, True])
def test_a_batch_that_makes_no_sense_is_refused(batch: Any) -> None:
    with pytest.raises(InputError, match="batch: wanted a positive whole number of images"):
        costs(zoo.architecture("resnet18"), batch=batch)


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"dtype.*nearest: float16"):
        costs(zoo.architecture("resnet18"), dtype="flot16")
    with pytest.raises(UnknownNameError, match=r"optimizer.*nearest: adam"):
        costs(zoo.architecture("resnet18"), optimizer="adamw")


def table(name: str) -> Any:
    """Rows of a published table as dicts; skips where the tables are not on this machine."""
    pandas = pytest.importorskip("pandas")
    shared = Path(os.environ.get("NASCALE_SHARED") or Path(__file__).parents[3] / "shared")
    path = shared / "data" / "tables" / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"the table {name} is not there: set NASCALE_SHARED to the folder that holds data/tables")
    return pandas.read_parquet(path).to_dict("records")


def test_nas_bench_macro_equals_its_table() -> None:
    space = nas_bench_macro(None, 3, 10)
    canonical: dict[str, str] = {}
    rows = table("nas-bench-macro")
    for row in rows:
        architecture = space.decode({f"op{i}": int(digit) for i, digit in enumerate(row["arch"])})
        found = costs(architecture)
        assert (found.params, found.macs) == (row["params"], row["macs"]), row["arch"]
        assert canonical.setdefault(architecture.key, row["canonical_arch"]) == row["canonical_arch"]
    assert (len(rows), space.size) == (6561, 6561)
    assert len(canonical) == len(set(canonical.values())) == 3969


def test_accel_nasbench_params_equal_its_table() -> None:
    space = mnasnet(None, 3, 1000)
    rows = table("accel-nasbench-imagenet")
    assert len(rows) == 5138
    for row in rows:
        decisions = {
            d.name: bool(row[d.name]) if d.name.endswith("_se") else int(row[d.name]) for d in space.decisions
        }
        assert costs(space.decode(decisions)).params == round(row["params_m"] * 1e6), row["id"]
