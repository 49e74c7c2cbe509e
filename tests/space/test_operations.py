"""The operations' own figures, counted by hand; the torch modules confirm shapes and parameters elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from space.operations import (
    ACTIVATIONS,
    Activation,
    AdaptiveAvgPool,
    Add,
    BatchNorm,
    ChannelOrder,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    LayerNorm,
    LayerScale,
    Linear,
    LocalResponse,
    Operation,
    Pool2d,
    Saved,
    Scale,
    Shape,
    StochasticDepth,
    Zero,
)

MAP: Shape = (8, 6, 6)
NUMBERS = 8 * 6 * 6
GATE: Shape = (8, 1, 1)


@dataclass(frozen=True)
class Case:
    """An operation on ``inputs``, and what it must cost."""

    operation: Operation
    inputs: tuple[Shape, ...]
    shape: Shape
    params: int
    macs: int
    flops: int
    saved: Saved


INPUTS, NOTHING = Saved(inputs=True), Saved()
CASES = (
    Case(
        Conv2d(8, 4, (3, 3), (2, 2), (1, 1), bias=True),
        (MAP,),
        (4, 3, 3),
        4 * 8 * 9 + 4,
        36 * 72,
        2 * 36 * 72 + 36,
        INPUTS,
    ),
    Case(
        Conv2d(8, 8, (3, 3), (1, 1), (1, 1), groups=8), (MAP,), MAP, 72, NUMBERS * 9, 2 * NUMBERS * 9, INPUTS
    ),
    Case(Conv2d(8, 8, (1, 1), groups=2), (MAP,), MAP, 32, NUMBERS * 4, 2 * NUMBERS * 4, INPUTS),
    Case(Linear(8, 3), ((8,),), (3,), 27, 24, 51, INPUTS),
    Case(BatchNorm(8), (MAP,), MAP, 16, 0, 2 * NUMBERS, Saved(inputs=True, statistics=16)),
    Case(LayerNorm(8), (MAP,), MAP, 16, 0, 7 * NUMBERS, Saved(inputs=True, numbers=2 * 36)),
    Case(LayerScale(8, 0.1), (MAP,), MAP, 8, 0, NUMBERS, INPUTS),
    Case(LocalResponse(5), (MAP,), MAP, 0, 0, 9 * NUMBERS, Saved(inputs=True, numbers=3 * NUMBERS + 4 * 36)),
    Case(Pool2d("max", (2, 2), (2, 2)), (MAP,), (8, 3, 3), 0, 0, 3 * 72, Saved(inputs=True, indices=72)),
    Case(Pool2d("avg", (2, 2), (2, 2)), (MAP,), (8, 3, 3), 0, 0, 4 * 72, INPUTS),
    Case(AdaptiveAvgPool(1), (MAP,), GATE, 0, 0, NUMBERS, NOTHING),
    Case(AdaptiveAvgPool(4), (MAP,), (8, 4, 4), 0, 0, 8 * 8 * 8, INPUTS),
    Case(Flatten(), (MAP,), (NUMBERS,), 0, 0, 0, NOTHING),
    Case(Add(), (MAP, MAP, MAP), MAP, 0, 0, 2 * NUMBERS, NOTHING),
    Case(Scale(), (MAP, GATE), MAP, 0, 0, NUMBERS, INPUTS),
    Case(Concat(), (MAP, MAP), (16, 6, 6), 0, 0, 0, NOTHING),
    Case(Dropout(0.5), (MAP,), MAP, 0, 0, 0, Saved(numbers=NUMBERS)),
    Case(StochasticDepth(0.5), (MAP,), MAP, 0, 0, 0, Saved(numbers=1)),
    Case(Zero(), (MAP,), MAP, 0, 0, NUMBERS, NOTHING),
    Case(Activation("relu"), (MAP,), MAP, 0, 0, NUMBERS, Saved(result=True)),
    Case(Activation("gelu"), (MAP,), MAP, 0, 0, 5 * NUMBERS, INPUTS),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.operation))
def test_costs_by_hand(case: Case) -> None:
    operation = case.operation
    assert operation.output_shape(*case.inputs) == case.shape
    assert operation.params == case.params
    assert operation.macs(case.inputs, case.shape) == case.macs
    assert operation.flops(case.inputs, case.shape) == case.flops
    assert operation.saved(case.shape) == case.saved


def test_every_operation_has_a_case() -> None:
    seen = {type(case.operation).__name__ for case in CASES} | {"Input"}
    assert {kind.__name__ for kind in Operation.__subclasses__()} == seen


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.operation))
def test_the_text_that_enters_keys_holds_the_fields_alone(case: Case) -> None:
    operation = case.operation
    values = ", ".join(f"{f.name}={getattr(operation, f.name)!r}" for f in fields(operation))  # type: ignore[arg-type]
    assert repr(operation) == f"{type(operation).__name__}({values})"


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_every_non_linearity_costs_something(function: str) -> None:
    assert Activation(function).flops((MAP,), MAP) >= NUMBERS


def test_what_a_permutation_of_channels_does() -> None:
    orders = {case.operation: case.operation.channel_order for case in CASES}
    found = {order: {op for op, own in orders.items() if own is order} for order in ChannelOrder}
    assert found[ChannelOrder.ABSORBED] == {CASES[0].operation}
    assert found[ChannelOrder.GROUPED] == {CASES[2].operation}
    assert found[ChannelOrder.SEEN] == {LocalResponse(5)}
