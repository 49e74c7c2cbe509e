"""Decisions, conditions and what they decode to."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from space.blocks import ConvNeXt, ConvNeXtDownsample
from space.errors import InputError, UnknownNameError
from space.search_space import Decision, SearchSpace
from space.spaces import SPACES, space
from space.template import StageTemplate, Template, template_from_dict

TREE = SearchSpace(
    "tree",
    (
        Decision("depth", (0, 1, 2)),
        Decision("block", ("a", "b"), "depth", (1, 2)),
        Decision("a.kernel", (3, 5, 7), "block", ("a",)),
        Decision("b.groups", (1, 4), "block", ("b",)),
        Decision("head", (True, False)),
    ),
)


def test_size_counts_assignments_by_hand() -> None:
    # head (2) × (depth 0: 1, depth 1 or 2: a with 3 kernels + b with 2 groups = 5 each)
    assert TREE.size == 2 * (1 + 5 + 5)


def test_enumerate_yields_every_assignment_once() -> None:
    every = [tuple(d.items()) for d in TREE.enumerate()]
    assert len(every) == len(set(every)) == TREE.size
    for items in every:
        assert TREE.validate(dict(items)) == dict(items)


@given(st.integers(0, 2**32))
def test_samples_and_mutants_are_valid(seed: int) -> None:
    rng = random.Random(seed)
    decisions = TREE.sample(rng)
    assert list(TREE.validate(decisions).items()) == list(decisions.items())
    mutant = TREE.mutate(decisions, rng)
    assert mutant != decisions
    assert TREE.validate(mutant) == mutant
    kept = [n for n in mutant if n in decisions and mutant[n] != decisions[n]]
    assert len(kept) == 1, "exactly one of the decisions that stay alive changes"


@given(st.integers(0, 2**32))
def test_neighbours_are_all_assignments_with_one_decision_changed(seed: int) -> None:
    rng = random.Random(seed)
    decisions = TREE.sample(rng)
    found = list(TREE.neighbours(decisions, rng))
    changes = []
    for neighbour in found:
        assert TREE.validate(neighbour) == neighbour
        kept = [(n, neighbour[n]) for n in neighbour if n in decisions and neighbour[n] != decisions[n]]
        assert len(kept) == 1
        changes += kept
    assert len(set(changes)) == len(found) == sum(len(TREE.by_name[n].options) - 1 for n in decisions)


@given(st.integers(0, 2**32))
def test_sample_is_a_function_of_the_seed(seed: int) -> None:
    assert TREE.sample(random.Random(seed)) == TREE.sample(random.Random(seed))


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ({"head": True}, "'depth' is missing"),
        ({"depth": 0, "block": "a", "head": True}, "'block' is not active"),
        ({"depth": 1, "block": "a", "a.kernel": 4, "head": True}, "wanted one of 3, 5, 7, got 4"),
        ({"depth": True, "block": "a", "a.kernel": 3, "head": True}, "got True"),
        ({"depth": 0, "haed": True, "head": True}, "nearest: head"),
    ],
)
def test_bad_assignments_name_the_decision(decisions: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TREE.validate(decisions)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "decisions",
    [
        (),
        (Decision("a", (1,)), Decision("a", (2,))),
        (Decision("a", (1,), "b", (1,)), Decision("b", (1,))),
        (Decision("a", (1,)), Decision("b", (1,), "a", (2,))),
    ],
)
def test_a_space_checks_itself(decisions: tuple[Decision, ...]) -> None:
    with pytest.raises(InputError):
        SearchSpace("broken", decisions)


def test_a_decision_wants_distinct_options() -> None:
    with pytest.raises(InputError, match="distinct options"):
        Decision("a", (1, 1))


def test_a_space_without_architectures_says_so() -> None:
    with pytest.raises(InputError, match="no architectures"):
        TREE.decode({"depth": 0, "head": True})


@pytest.mark.parametrize("name", ["mixed", "mbconv", "bottleneck", "inception"])
@pytest.mark.parametrize(("resolution", "channels"), [(8, 1), (32, 3), (128, 3)])
def test_every_sample_decodes(name: str, resolution: int, channels: int) -> None:
    chosen = space(name, resolution=resolution, in_channels=channels, classes=7)
    rng = random.Random(1)
    for _ in range(40):
        architecture = chosen.decode(chosen.sample(rng))
        assert (architecture.resolution, architecture.in_channels) == (resolution, channels)
        assert architecture.classes == 7


def test_mixed_offers_three_block_types_in_every_stage() -> None:
    for number in range(1, 5):
        assert space("mixed").by_name[f"stage{number}.block"].options == ("mbconv", "bottleneck", "inception")


def test_a_left_out_stage_has_no_further_decisions() -> None:
    chosen = space("mixed")
    rng = random.Random(0)
    decisions = next(d for d in (chosen.sample(rng) for _ in range(1000)) if d["stage4.depth"] == 0)
    assert [n for n in decisions if n.startswith("stage4")] == ["stage4.depth"]
    assert len(chosen.decode(decisions).stages) <= 3


def test_unknown_space_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="nearest: mbconv"):
        space("mbcnv")
    assert "mixed" in SPACES


def test_a_template_refuses_unknown_settings() -> None:
    stage = (StageTemplate(16),)
    with pytest.raises(UnknownNameError, match="block type"):
        Template("t", ("mbcon",), stage, 32)
    with pytest.raises(UnknownNameError, match="kernel"):
        Template("t", ("mbconv",), stage, 32, options={"mbconv": {"kernels": (3,)}})


WRITTEN = {
    "name": "mine",
    "block_types": ["mbconv", "inception"],
    "resolution": 32,
    "stages": [{"channels": 16}, {"channels": 32, "stride": 2, "depths": [0, 1]}],
    "options": {"mbconv": {"kernel": [3, 7]}},
}


def test_a_written_template_becomes_a_space() -> None:
    mine = template_from_dict(WRITTEN, "mine.toml").search_space()
    assert mine.by_name["stage1.mbconv.kernel"].options == (3, 7)
    assert mine.by_name["stage2.depth"].options == (0, 1)
    mine.decode(mine.sample(random.Random(0)))


def test_a_written_space_of_convnext_blocks() -> None:
    stages = (StageTemplate(16, 1, (2,), (1.0, 2.0)), StageTemplate(24, 2, (0, 1), (1.0,)))
    mine = Template("mine", ("convnext",), stages, 16, options={"convnext": {"kernel": (5,)}}).search_space()
    networks = [mine.decode(decisions) for decisions in mine.enumerate()]
    assert len(networks) == mine.size == len({network.key for network in networks})
    for network in networks:
        down, *blocks = network.stages[0].blocks
        assert isinstance(down, ConvNeXtDownsample) and down.stride == 1
        assert blocks == [ConvNeXt(5, blocks[0].expansion, layer_scale=0.1)] * 2  # type: ignore[attr-defined]


def test_the_older_name_of_block_types_is_read() -> None:
    older = {"families" if key == "block_types" else key: value for key, value in WRITTEN.items()}
    assert template_from_dict(older, "mine.toml") == template_from_dict(WRITTEN, "mine.toml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": 3}, "mine.toml: stages: wanted a list of tables"),
        (
            {"stages": [{"chanels": 16}]},
            r"mine.toml: stages\[0\]: key: no such name 'chanels' .nearest: channels",
        ),
        ({"stages": [{"stride": 2}]}, r"mine.toml: stages\[0\]: wanted the key 'channels'"),
        (
            {"stages": [{"channels": 4}]},
            r"mine.toml: stages\[0\]: stage.channels: wanted 8 to 1000000000, got 4",
        ),
        (
            {"stages": [{"channels": "x"}]},
            r"mine.toml: stages\[0\]: stage.channels: wanted 8 to 1000000000, got 'x'",
        ),
        ({"block_types": ["mbcon"]}, "block type: no such name 'mbcon' .nearest: mbconv"),
        ({"block_typs": []}, "mine.toml: key: no such name 'block_typs' .nearest: block_types"),
        ({"families": ["mbconv"]}, "mine.toml: wanted block_types or its older name families, got both"),
    ],
)
def test_a_badly_written_template_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        template_from_dict({**WRITTEN, **changes}, "mine.toml")
