"""What ``nascale auto`` says: how it will spend the time, and at the end, in plain words, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nascale.auto_run.augmentation import words as augmentation_words
from nascale.auto_run.more_images import OPTION
from nascale.auto_run.plan import SHARES, TITLES
from nascale.auto_run.state import State
from nascale.auto_run.verdict import NO, UNDECIDED, YES
from nascale.quantities import human_count, human_seconds

_FEWEST_EPOCHS, _LEARNED_BY_HEART = 20, 0.6
"""A network whose validation loss was least after this share of its epochs or earlier has gone on to learn its images by heart."""


def plan_lines(state: State, slots: int, epoch_seconds: float, *, new: bool) -> Iterator[str]:
    """The table of the time: minutes for each part, and when it ends."""
    if not new:
        yield f"going on with {state.folder}, {human_seconds(state.spent_seconds)} of {human_seconds(state.within_seconds)} spent"
        return
    yield (
        f"this machine: an epoch of one network takes about {human_seconds(epoch_seconds)}, {slots} at once; "
        f"{human_seconds(state.within_seconds)} are spent like this:"
    )
    yield f"  {'minutes':>7}   {'until':>6}"
    until = 0.0
    for part in TITLES:
        if part in state.planned:
            until += state.planned[part]
            yield f"  {state.planned[part] / 60:7.1f}   {until / 60:6.1f}   {TITLES[part]}"


def spent_lines(state: State) -> Iterator[str]:
    """The table of the time, as it was planned and as it was."""
    yield f"  {'planned':>7}   {'spent':>6}   minutes"
    for part in TITLES:
        if part in state.planned or part in state.spent:
            planned, spent = (one.get(part, 0.0) / 60 for one in (state.planned, state.spent))
            yield f"  {planned:7.1f}   {spent:6.1f}   {TITLES[part]}"


def conclusions(state: State) -> list[str]:
    """What came of it: each a topic, a colon, and what there is to say of it."""
    return [
        *_found(state),
        *_tested(state),
        _worth(state),
        *_augmentation(state),
        *_more_images(state),
        _ranking(state),
        _more_time(state),
        *_family(state),
    ]


def sentences(state: State) -> list[str]:
    """The last lines."""
    return [
        *conclusions(state),
        f"files: {state.folder}/export (the network, its card and certificate), {state.folder}/report.html, "
        f"{state.folder}/family, {state.folder}/auto.json; time: {human_seconds(state.spent_seconds)} of "
        f"{human_seconds(state.within_seconds)}",
    ]


def _entry(state: State, name: str) -> Mapping[str, Any]:
    return next(one for one in state.candidates if one["name"] == name)


def _costs(entry: Mapping[str, Any]) -> str:
    return f"{human_count(entry['macs'])} MACs, {human_count(entry['params'])} parameters"


def _found(state: State) -> Iterator[str]:
    assert state.exported is not None
    name, networks = state.exported["name"], state.search.get("networks", 0)
    entry = _entry(state, name)
    stock = sum(one["measurements"] > 0 for one in state.stock)
    if networks:
        searched = f"a search measured {networks} networks, {stock} stock networks beside them"
    elif stock:
        searched = f"the time of the search was enough for {stock} stock networks and no others"
    else:
        searched = "there was no time for a search"
    kind = "the stock network" if entry["stock"] else "the network of"
    yield f"exported: {kind} {name}, {_costs(entry)}; {searched}"


def _tested(state: State) -> Iterator[str]:
    assert state.exported is not None
    if state.test is None:
        yield f"how good: validation accuracy {state.exported['accuracy']:.4f}; there are no test images with labels"
        return
    test = state.test
    yield (
        f"how good: {100 * test['accuracy']:.1f} % of {test['images']:,} test images right, "
        f"{100 * test['low']:.1f} to {100 * test['high']:.1f} % with 95 % probability; they were looked at once, at the end"
    )


def _worth(state: State) -> str:
    """Whether the search was worth it."""
    said = {YES: "yes", NO: "no", UNDECIDED: "not decided"}[state.worth_it or UNDECIDED]
    start = f"worth it: {said}: "
    if state.difference is None:
        return f"{start}there was no pair of a found and a stock network to compare"
    one = state.difference
    found, stock = (_entry(state, one[which]) for which in ("found", "stock"))
    trained = sum(entry["stock"] and any(map(entry.get, SHARES)) for entry in state.candidates)
    best = f"the best of {trained} stock networks that were trained longer"
    compared = (
        f"{one['found']}, the best found, differs from {one['stock']}, {best if trained > 1 else 'a stock network'}, by "
        f"{100 * one['value']:+.1f} points ({100 * one['low']:+.1f} to {100 * one['high']:+.1f} with 95 % probability) on "
        f"{one['images']:,} {one['of']}, after the same recipe for the same time ({found['final']['epochs']} and "
        f"{stock['final']['epochs']} epochs)"
    )
    more = {
        YES: f"; it needs {_times(found, stock, 'macs')} the MACs and {_times(found, stock, 'params')} the parameters",
        NO: _not_worth(state),
        UNDECIDED: f"; so few images cannot tell them apart. The found one needs {_times(found, stock, 'macs')} the MACs and "
        f"{_times(found, stock, 'params')} the parameters",
    }[state.worth_it or UNDECIDED]
    return start + compared + more


def _not_worth(state: State) -> str:
    """Why a search was not worth it."""
    assert state.exported is not None and state.difference is not None
    if state.exported["stock"] and state.difference["high"] >= 0:
        final = _entry(state, state.difference["stock"])["final"]
        # Of the images left for the final alone, the found network may have more right.
        counted = " of the heats and of the final, counted together," if OPTION in final["options"] else ""
        return (
            f"; the stock network did better on the validation images{counted} and is what is exported: "
            "the search was not worth it"
        )
    return "; the search was not worth it: a stock network does better"


def _times(one: Mapping[str, Any], other: Mapping[str, Any], cost: str) -> str:
    return f"{one[cost] / other[cost]:.2f} times"


def _augmentation(state: State) -> Iterator[str]:
    """Which augmentation the last trainings had, where others were tried."""
    if state.augmentation is None or len(state.augmentation["tried"]) < 2:
        return
    plain, *tried = state.augmentation["tried"]
    told = [
        f"{augmentation_words(one['options'])} {one['loss']:.3f} after {one['epochs']} epochs"
        for one in tried
    ]
    taken = state.augmentation["chosen"]
    yield (
        f"augmentation: {augmentation_words(taken) if taken else 'the usual'} for the last trainings of about "
        f"{state.augmentation['final_epochs']} epochs; validation loss of short ones: {', '.join(told)}, the usual "
        f"{plain['loss']:.3f} after {plain['epochs']}"
    )


def _more_images(state: State) -> Iterator[str]:
    """How many validation images the last trainings learned from."""
    last = next((one["final"] for one in state.candidates if one.get("final")), None)
    if last is None or not last["options"].get(OPTION):
        return
    yield (
        f"images: the last trainings learned from {100 * last['options'][OPTION]:.0f} % of the validation images too, as these had "
        f"nothing to choose any more; the other {last['images']:,} judged them"
    )


def _ranking(state: State) -> str:
    """How far the search's ranking can be trusted."""
    parts = []
    answer = state.search.get("answer")
    if answer:
        parts.append(
            f"{answer['name']}, its best, is the best of its networks with probability {answer['probability']:.2f}; one measurement "
            f"deviates by {100 * answer['deviation']:.1f} points between seeds"
        )
    if state.ranking is not None:
        parts.append(
            f"of the {state.ranking['networks']} networks that were trained longer its order agreed with Kendall's τ "
            f"{state.ranking['kendall']:+.2f} ({state.ranking['low']:+.2f} to {state.ranking['high']:+.2f}; 1 is perfect, 0 chance)"
        )
    known = "; ".join(parts) or "not known: the time was too short to measure networks again, or longer"
    return f"the search's ranking: {known}"


def _family(state: State) -> Iterator[str]:
    """The members of the family with the accuracies that are to be expected."""
    told = [
        f"{human_count(row['macs'])} MACs {100 * row['predicted_accuracy']:.1f} % "
        f"({100 * row['predicted_low']:.1f} to {100 * row['predicted_high']:.1f})"
        for row in state.family
        if row["predicted_accuracy"] is not None
    ]
    if told:
        yield f"family: to be expected of it scaled up or down (none was trained): {', '.join(told)}"


def _more_time(state: State) -> str:
    exported = state.exported or {}
    epochs, reached = exported.get("epochs", 0), exported.get("loss_epoch", 0)
    # The few images that a last training may leave cannot tell when its loss was least.
    judged_by_all = not exported.get("options", {}).get(OPTION)
    if judged_by_all and epochs >= _FEWEST_EPOCHS and 0 < reached <= _LEARNED_BY_HEART * epochs:
        given = exported["options"].get("auto_augment", state.request.get("auto_augment", "none"))
        return (
            f"more time: longer training would bring nothing, as the least validation loss came after {reached} of "
            f"{epochs} epochs; more images {'or --auto-augment trivial ' if given == 'none' else ''}may"
        )
    if state.more_time is None:
        return "more time: what it would bring is not known, as no network of the last trainings was trained alike for a shorter time"
    one = state.more_time
    images = ", of which the longer had more images too" if any(_more_images(state)) else ""
    return (
        f"more time: twice of it would bring about {100 * one['value']:+.1f} points ({100 * one['low']:+.1f} to "
        f"{100 * one['high']:+.1f} with {100 * one['level']:.0f} % probability) by longer training, extrapolated from two lengths{images}"
    )
