"""What a database holds is checked when it is read: a value of the wrong kind is named with its study and trial.

A database may be damaged, edited by hand or written by another program. Behind this check the rest of the package can
rely on what the fields of a ``TrialResult`` and the attributes of a study declare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import attrgetter
from typing import Any

from results.trial_result import VERIFIED, TrialResult
from space.errors import InputError
from space.measure import measures

_LARGEST = 2**63
_Kinds = tuple[frozenset[type], str]
_NUMBER: _Kinds = (frozenset({int, float, type(None)}), "a number")
_KINDS: dict[str, _Kinds] = {
    "int64": (frozenset({int}), "a whole number"),
    "Int64": (frozenset({int, type(None)}), "a whole number"),
    "float64": _NUMBER,
    "str": (frozenset({str, type(None)}), "text"),
    "boolean": (frozenset({bool, type(None)}), "true or false"),
}
_OPTION: _Kinds = (frozenset({str, int, float, bool, type(None)}), "text or a number")
_WORDS = ("space", "sampler", "data", "table", "evaluator", "objective", "base")


@contextmanager
def named_damage(study: str) -> Iterator[None]:
    """Errors of reading what no search stores become an InputError that names the study."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        wanted = "values as a search stores them (the database is damaged or was edited)"
        raise InputError.of(f"study {study}", wanted, f"{type(error).__name__}: {error}") from None


def check_attributes(study: str, attributes: Mapping[str, Any]) -> None:
    """Raises InputError naming the attribute of the study that is not as a search stores it."""

    def want(name: str, ok: bool, wanted: str, came: object) -> None:
        if not ok:
            raise InputError.of(f"study {study}: {name}", wanted, came)

    if not _is_written(json.dumps(attributes, ensure_ascii=False, default=str)):
        want("attributes", False, "text that can be written as UTF-8", "halves of character pairs")
    spec, space = attributes.get("spec", {}), attributes.get("space", {})
    for name in _WORDS:
        want(f"spec.{name}", _is(spec.get(name), str), "text", spec.get(name))
    want("spec.trials", _is(spec.get("trials"), int), "a whole number", spec.get("trials"))
    want("space.name", _is(space.get("name"), str), "text", space.get("name"))
    decisions = space.get("decisions", ())
    ok = isinstance(decisions, (list, tuple)) and all(_is_decision(one) for one in decisions)
    want("space.decisions", ok, "a list of names, each with its options", decisions)
    for objective in attributes.get("objectives", ()):
        ok = isinstance(objective, Mapping) and _is_text(objective.get("name"))
        ok = ok and objective.get("direction") in ("minimize", "maximize")
        want("objectives", ok, "names and directions", objective)
    summary = attributes.get("verification")
    networks = summary.get("networks") if isinstance(summary, Mapping) else None
    for figures in networks.values() if isinstance(networks, Mapping) else ():
        ok = isinstance(figures, Mapping) and all(_fits(figures.get(name), _NUMBER) for name in VERIFIED)
        want("verification", ok, "numbers by network", figures)
    packages = attributes.get("provenance", {}).get("packages")
    want("provenance.packages", _is(packages, Mapping), "versions by name", packages)


def _is(value: object, kind: type) -> bool:
    return value is None or (isinstance(value, kind) and not isinstance(value, bool))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_decision(value: object) -> bool:
    """``[name, [option, …]]``, as a study keeps the decisions of its space."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], (list, tuple))
        and all(type(option) in _OPTION[0] for option in value[1])
    )


def check_trials(study: str, trials: Sequence[TrialResult], objectives: int) -> None:
    """Raises InputError naming the first figure of a trial that is not of its kind; as fast as one look at each."""
    for figure in measures(TrialResult):
        if figure.dtype in _KINDS:
            _check(study, trials, figure.name, attrgetter(figure.name), _KINDS[figure.dtype])
    _check(study, trials, "worker", attrgetter("worker"), _KINDS["str"])
    _check(study, trials, "fidelity", attrgetter("fidelity"), (frozenset({dict, type(None)}), "a table"))
    _check(study, trials, "costs", attrgetter("costs"), (frozenset({dict}), "a table of numbers"))
    _check_each(study, trials, "costs", lambda trial: trial.costs.values(), _NUMBER)
    if not all(map(_is_countable, chain.from_iterable(trial.costs.values() for trial in trials))):
        trial, cost = next((t, c) for t in trials for c in t.costs.values() if not _is_countable(c))
        raise _wrong(study, trial, "costs", "a number below 2^63", cost)
    _check_each(study, trials, "objective values", lambda trial: trial.values or (), _NUMBER)
    _check_each(study, trials, "accuracy by epoch", lambda trial: [a for _, a in trial.curve], _NUMBER)
    _check_each(
        study, trials, "epochs of the curve", lambda trial: [e for e, _ in trial.curve], _KINDS["int64"]
    )
    _check_each(study, trials, "names of decisions", lambda trial: trial.decisions, _KINDS["str"])
    _check_each(study, trials, "decisions", lambda trial: trial.decisions.values(), _OPTION)
    for trial in trials:
        if trial.values is not None and len(trial.values) != objectives:
            raise _wrong(study, trial, "objective values", f"{objectives} numbers", trial.values)


def _check(
    study: str, trials: Sequence[TrialResult], name: str, get: Callable[[TrialResult], Any], kinds: _Kinds
) -> None:
    if not _all_fit(list(map(get, trials)), kinds):
        for trial in trials:
            if not _fits(get(trial), kinds):
                raise _wrong(study, trial, name, kinds[1], get(trial))


def _check_each(
    study: str,
    trials: Sequence[TrialResult],
    name: str,
    get: Callable[[TrialResult], Iterable[Any]],
    kinds: _Kinds,
) -> None:
    if not _all_fit(list(chain.from_iterable(map(get, trials))), kinds):
        for trial in trials:
            for value in get(trial):
                if not _fits(value, kinds):
                    raise _wrong(study, trial, name, kinds[1], value)


def are_of_kind(values: list[Any], dtype: str) -> bool:
    """Whether all values are what a column of that dtype is stored as (``columns``), or None where it may miss some."""
    return _all_fit(values, _KINDS[dtype])


def _is_written(text: str) -> bool:
    """Whether it can be written as UTF-8; JSON may hold halves of character pairs, which cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _all_fit(values: list[Any], kinds: _Kinds) -> bool:
    """``_fits`` of all values, in a fraction of the time."""
    types = set(map(type, values))
    if not types <= kinds[0]:
        return False
    if str in types and not _is_written("".join([value for value in values if type(value) is str])):
        return False
    whole = [value for value in values if type(value) is int] if int in types else []
    return not whole or (min(whole) >= -_LARGEST and max(whole) < _LARGEST)


def _fits(value: object, kinds: _Kinds) -> bool:
    if isinstance(value, str) and not _is_written(value):
        return False
    return type(value) in kinds[0] and (type(value) is not int or -_LARGEST <= value < _LARGEST)


def _is_countable(value: float | None) -> bool:
    """Whether a column of whole numbers holds it; NaN stands for a missing one."""
    return value is None or value != value or abs(value) < _LARGEST


def _wrong(study: str, trial: TrialResult, name: str, wanted: str, came: object) -> InputError:
    return InputError.of(f"study {study}: trial {trial.number}: {name}", wanted, came)
