"""The report by layer: closed forms, the lecture's facts, and sums that agree with the cost model."""

from __future__ import annotations

import pytest

from space import zoo
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, Pool
from space.cost import costs
from space.errors import InputError
from space.layers import (
    KINDS,
    Layer,
    Product,
    layer_memory_bytes,
    layers,
    shares_by_kind,
)
from space.roofline import Machine, estimate

SAMPLE = (
    "alexnet_2012",
    "vgg16",
    "googlenet",
    "inception_v3",
    "preact_resnet50",
    "densenet121",
    "efficientnet_b0",
)


def by_kind(name: str) -> dict[str, tuple[float, float]]:
    """{kind: (share of MACs, share of weights)} in per cent."""
    return {
        s.name: (round(100 * s.macs_share, 2), round(100 * s.weights_share, 2))
        for s in shares_by_kind(layers(zoo.architecture(name)))
    }


@pytest.mark.parametrize("name", SAMPLE)
def test_layers_add_up_to_the_costs(name: str) -> None:
    architecture = zoo.architecture(name)
    rows, found = layers(architecture), costs(architecture)
    for column in ("params", "macs", "flops"):
        assert sum(getattr(row, column) for row in rows) == getattr(found, column)
    assert {row.kind for row in rows} <= set(KINDS)
    shares = shares_by_kind(rows)
    assert sum(s.macs for s in shares) == found.macs
    assert sum(s.activation_share for s in shares) == pytest.approx(1)


def test_mobilenet_v1_by_kind() -> None:
    """Howard et al. 2017, table 2; it prints 1.19 % for the first convolution's MACs, which are 1.91 %."""
    assert by_kind("mobilenet_v1") == {
        "conv 1x1": (94.86, 74.59),
        "depthwise": (3.06, 1.06),
        "conv": (1.91, 0.02),
        "linear": (0.18, 24.33),
        "pool": (0.0, 0.0),
    }


def test_b0_by_kind() -> None:
    found = by_kind("efficientnet_b0")
    assert found["depthwise"][0] == pytest.approx(9.0, abs=0.06)
    assert found["squeeze-excite"][0] == pytest.approx(0.2, abs=0.05)
    assert found["linear"][0] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_where_the_classics_spend(name: str) -> None:
    """Most memory early, most parameters in the linear layers, most operations in the convolutions."""
    rows = layers(zoo.architecture(name))
    weighted = [row for row in rows if row.weights]
    early = weighted[: len(weighted) // 3]
    assert layer_memory_bytes(early) > 0.5 * layer_memory_bytes(weighted)
    kinds = {s.name: s for s in shares_by_kind(rows)}
    assert kinds["linear"].params_share > 0.89
    assert kinds["conv"].macs_share > 0.91


def test_vgg16_against_alexnet() -> None:
    """The lecture's comparison: 25 times the memory, over twice the parameters, 20 times the operations."""
    alexnet, vgg16 = (zoo.architecture(name) for name in ("alexnet", "vgg16"))
    memory = layer_memory_bytes(layers(vgg16)) / layer_memory_bytes(layers(alexnet))
    assert memory == pytest.approx(25.5, abs=0.1)
    assert costs(vgg16).params / costs(alexnet).params == pytest.approx(2.26, abs=0.01)
    assert costs(vgg16).macs / costs(alexnet).macs == pytest.approx(21.7, abs=0.1)


def rows_of(*blocks: Conv | Pool, resolution: int = 32) -> tuple[Layer, ...]:
    head = (GlobalPool(), Dense())
    return layers(Architecture((Conv(16),), (Stage(blocks),), head, resolution, 10))


def test_convolution_as_a_matrix_product() -> None:
    first, second = rows_of(Conv(24, 3, 2, groups=4))[:2]
    assert first.product == Product(m=16, n=32 * 32, k=27)
    assert first.im2col_bytes == 27 * 32 * 32 * 4
    assert second.product == Product(m=6, n=16 * 16, k=36, count=4)
    for row in (first, second):
        assert row.product is not None
        assert row.macs == row.product.m * row.product.n * row.product.k * row.product.count


def test_no_im2col_for_1x1_of_stride_1() -> None:
    same, strided = rows_of(Conv(24, 1), Conv(24, 1, 2))[1:3]
    assert same.im2col_bytes == 0
    assert strided.im2col_bytes == 24 * 16 * 16 * 4


def test_intensity_rises_with_the_batch_where_weights_dominate() -> None:
    architecture = zoo.architecture("alexnet")
    one, many = (layers(architecture, batch=b)[-1] for b in (1, 64))
    # One multiply and one add for each 4-byte weight.
    assert one.intensity == pytest.approx(0.5, abs=0.01)
    assert many.intensity > 25
    assert many.product == Product(1000, 64, 4096)


def test_dtype_halves_the_bytes_and_doubles_the_intensity() -> None:
    architecture = zoo.architecture("resnet18")
    full, half = (layers(architecture, dtype=d)[0] for d in ("float32", "bfloat16"))
    assert half.activation_bytes * 2 == full.activation_bytes
    assert half.intensity == pytest.approx(2 * full.intensity)


def test_norm_and_activation_belong_to_their_convolution() -> None:
    rows = rows_of(Conv(16))
    assert rows[0].operation == "conv 3x3 + norm + relu"
    assert [row.kind for row in rows] == ["conv", "conv", "pool", "linear"]


def test_roofline_is_the_slower_of_arithmetic_and_memory() -> None:
    architecture = zoo.architecture("vgg16")
    found = costs(architecture)
    no_memory = Machine("arithmetic alone", 1, 1e9, 1e30)
    assert estimate(architecture, no_memory) == pytest.approx(found.flops / 1e9)
    no_arithmetic = Machine("bytes alone", 1, 1e30, 1e9)
    assert estimate(architecture, no_arithmetic) > 4 * found.params / 1e9
    both = Machine("both", 1, 1e9, 1e9)
    assert estimate(architecture, both) > max(estimate(architecture, m) for m in (no_memory, no_arithmetic))
    assert both.ridge == 1


def test_bad_settings_are_refused() -> None:
    architecture = zoo.architecture("resnet18")
    with pytest.raises(InputError, match="batch"):
        layers(architecture, batch=0)
    with pytest.raises(InputError, match="dtype"):
        estimate(architecture, Machine("m", 1, 1.0, 1.0), dtype="bits")
    with pytest.raises(InputError, match="bytes_per_second"):
        Machine("m", 1, 1.0, 0.0)
