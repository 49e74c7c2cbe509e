"""Proxies by name: a line of text, a name with settings, becomes an evaluator.

``train:epochs=3,resolution=16,score=loss`` trains for three epochs at 16 pixels and ranks by the validation
loss; ``naswot:repeats=3`` is a score at initialisation; ``macs`` and ``params`` are the baselines; ``latency:batch=8``
times a forward pass; ``supernet:epochs=60`` validates with weights that all networks of the space share.
``train:epochs=3+macs`` is a blend: networks are ranked by the mean of their ranks.
"""

from __future__ import annotations

import dataclasses
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evaluators.evaluator import Candidate, Evaluator, Measurement, NoRoom, StopFlag, Stopped
from evaluators.init_scores.scores import BASELINES, INIT_SCORES
from evaluators.recipe import Recipe
from space.errors import InputError, NascaleError, UnknownNameError

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet
    from space.search_space import SearchSpace

PROXIES = ("train", "supernet", "latency", *BASELINES, *INIT_SCORES)
SUPERNET_EPOCHS = 60
"""Epochs of a supernet by default: it has a whole space to train."""


def proxy_help() -> str:
    """The names of all proxies, for the help of an option."""
    scores = ", ".join(INIT_SCORES)
    return f"train, supernet and latency; {' and '.join(BASELINES)}; at initialisation {scores}"


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """``"train:epochs=3,flip=true"`` → ``("train", {"epochs": 3, "flip": True})``. Raises InputError."""
    name, _, rest = text.strip().partition(":")
    if name not in PROXIES:
        raise UnknownNameError("proxy", name, PROXIES)
    settings: dict[str, Any] = {}
    for item in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = item.partition("=")
        if not equals:
            raise InputError.of(f"proxy {text}", "settings as name=value", item)
        settings[key.strip()] = _value(value.strip())
    return name, settings


def split_list(text: str) -> list[str]:
    """``"macs,train:epochs=1,flip=true,naswot"`` → its proxies: a part with ``=`` is a setting of the proxy before it."""
    found: list[str] = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        if "=" in part.partition(":")[0] and found:
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def parts(text: str) -> tuple[str, ...]:
    """``"train:epochs=3+macs"`` → ``("train:epochs=3", "macs")``; the sign of a number does not separate."""
    return tuple(part.strip() for part in re.split(r"\+(?=\s*[a-z])", text))


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def evaluator(text: str, images: ImageSet, *, space: SearchSpace | None = None, **defaults: Any) -> Evaluator:
    """The evaluator that ``text`` names, on ``images``; ``defaults`` hold for settings that the text leaves out.

    ``space`` is the one that a supernet is trained for. Raises UnknownNameError for an unknown proxy or setting,
    InputError for a bad value.
    """
    name, settings = parse(text)
    if name == "supernet":
        return _supernet(
            text, images, space, {**defaults, "epochs": SUPERNET_EPOCHS, "score": "loss"}, settings
        )
    if name == "train":
        return _trainer(text, images, defaults, settings)
    if name == "latency":
        from evaluators.latency import LatencyEvaluator

        return _make(LatencyEvaluator, text, defaults, settings)
    from evaluators.init_scores.evaluator import InitScoreEvaluator

    return _make(InitScoreEvaluator, text, defaults, {**settings, "images": images, "score": name})


def _supernet(
    text: str,
    images: ImageSet,
    space: SearchSpace | None,
    defaults: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Evaluator:
    from evaluators.supernet.evaluator import SupernetEvaluator

    if space is None:
        raise InputError.of(f"proxy {text}", "a space to share weights in", "networks without one")
    own = {name: settings[name] for name in ("statistics_images", "elastic") if name in settings}
    recipe = {name: value for name, value in settings.items() if name not in own}
    trainer = _trainer(text, images, defaults, recipe)
    return _make(SupernetEvaluator, text, {}, {**own, "trainer": trainer, "space": space})


_SHORT = {"train_resolution": "resolution", "train_width": "width"}
_RECIPE = {_SHORT.get(f.name, f.name): f.name for f in dataclasses.fields(Recipe)}
"""Settings of a training by their names in a proxy's text, and the recipe's fields that they are."""
_OF_TRAINER = ("zero_last_norm", "channels_last", "threads", "memory_bytes", "score")


def _trainer(
    text: str, images: ImageSet, defaults: Mapping[str, Any], settings: Mapping[str, Any]
) -> Evaluator:
    """The training that ``settings`` describe: those of its recipe, and the evaluator's own."""
    from evaluators.training import TrainEvaluator

    for key in settings:
        if key not in _RECIPE and key not in _OF_TRAINER:
            raise UnknownNameError(f"proxy {text}: setting", key, [*_RECIPE, *_OF_TRAINER])
    chosen = {**defaults, **settings}
    recipe = {field: chosen[name] for name, field in _RECIPE.items() if name in chosen}
    own = {name: chosen[name] for name in _OF_TRAINER if name in chosen}
    return _made(text, lambda: TrainEvaluator(images, Recipe(**recipe), **own))


def _make(cls: type[Any], text: str, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Evaluator:
    """``cls`` with ``settings``, and those of ``defaults`` that are fields of it."""
    known = [f.name for f in dataclasses.fields(cls) if not f.name.startswith("_")]
    for key in settings:
        if key not in known:
            raise UnknownNameError(f"proxy {text}: setting", key, known)
    chosen = {**{k: v for k, v in defaults.items() if k in known}, **settings}
    return _made(text, lambda: cls(**chosen))


def _made(text: str, make: Callable[[], Evaluator]) -> Evaluator:
    """What ``make`` makes; its errors name the proxy."""
    try:
        return make()
    except TypeError as error:
        raise InputError.of(f"proxy {text}", "settings of the right kind", str(error)) from None
    except NascaleError as error:
        if isinstance(error, InputError):
            raise InputError(f"proxy {text}: {error}") from None
        raise


@dataclasses.dataclass(frozen=True, eq=False)
class ProxySet(Evaluator):
    """Several proxies behind one pool. A candidate's number says which of them measures it.

    Candidate n is for evaluator n modulo their number. Yields one measurement with ``extra["score"]`` (of a trained
    proxy the last accuracy or loss, as its ``score`` says). A proxy that fails on a candidate gives a NaN
    score and the reason as ``extra["error"]``.
    """

    evaluators: tuple[Evaluator, ...]

    def describe(self) -> dict[str, Any]:
        """The descriptions of the evaluators, in order."""
        return {"proxies": [e.describe() for e in self.evaluators]}

    def evaluate(self, candidate: Candidate, stop: StopFlag) -> Iterator[Measurement]:
        started = time.perf_counter()
        try:
            *_, last = self.evaluators[candidate.number % len(self.evaluators)].evaluate(candidate, stop)
            score = float(last.extra.get("score", last.accuracy))
            extra: dict[str, Any] = {"score": score}
        except (Stopped, NoRoom):
            raise
        except Exception as error:  # one proxy's failure is a result of the comparison
            score, extra = math.nan, {"score": math.nan, "error": f"{type(error).__name__}: {error}"}
        yield Measurement(1, score, None, time.perf_counter() - started, extra)
