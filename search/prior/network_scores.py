"""What is known of a network without training it, as numbers: scores at initialisation, and costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from evaluators.evaluator import Candidate
from evaluators.init_scores.scores import BASELINES, INIT_SCORES
from evaluators.proxies import evaluator, parse, split_list
from search.candidate_cache import CandidateCache, DecodedCandidate
from space.architecture import Architecture
from space.cost import COST_NAMES
from space.errors import InputError, UnknownNameError
from space.search_space import Decisions

if TYPE_CHECKING:
    from evaluators.images.image_set import ImageSet
    from evaluators.init_scores.evaluator import InitScoreEvaluator

SEED = 0
"""Weights and images of a score are drawn with it: all searches see the same score of a network."""
TRIED = 200
"""Random assignments among which one that stands for a network is looked for."""
COSTS = (*BASELINES, *(name for name in COST_NAMES if name not in BASELINES))


@dataclass(frozen=True, eq=False)
class ScoreSettings:
    """Which scores, one or more of ``INIT_SCORES`` (with settings, as ``naswot:batch_size=32``) and ``COSTS``.

    ``images`` are what scores at initialisation look at; None where there are only costs. Raises UnknownNameError or
    InputError for names and settings that are wrong.
    """

    names: tuple[str, ...]
    images: ImageSet | None = None
    evaluators: Mapping[str, InitScoreEvaluator] = field(init=False)
    known: dict[str, tuple[float, ...]] = field(default_factory=dict, repr=False)
    """The scores of networks by key: searches in one process share them."""

    def __post_init__(self) -> None:
        made = {name: self._evaluator(name) for name in self.names if needs_images(name)}
        object.__setattr__(self, "evaluators", made)

    def _evaluator(self, name: str) -> InitScoreEvaluator:
        if self.images is None:
            raise InputError.of(f"prior {name}", "images that it can be measured on", None)
        from evaluators.init_scores.evaluator import InitScoreEvaluator

        made = evaluator(name, self.images, threads=1)
        assert isinstance(made, InitScoreEvaluator)
        return made

    @classmethod
    def parse(cls, text: str, images: Callable[[], ImageSet]) -> ScoreSettings:
        """The scores that ``text`` names, joined by commas; ``images`` is called only where one of them needs images."""
        names = score_names(text)
        return cls(names, images() if any(map(needs_images, names)) else None)


def score_names(text: str) -> tuple[str, ...]:
    """``"naswot:batch_size=32,macs"`` → its scores. Raises UnknownNameError for a name that is none, InputError for none."""
    names = tuple(split_list(text))
    for name in names:
        if name.partition(":")[0] not in INIT_SCORES and name not in COSTS:
            raise UnknownNameError("prior", name, (*INIT_SCORES, *COSTS))
        if needs_images(name):
            parse(name)
    if not names or len(set(names)) < len(names):
        raise InputError.of("prior", "scores at initialisation and costs, each once, joined by commas", text)
    return names


def needs_images(name: str) -> bool:
    """Whether a score is measured on images; a cost is not."""
    return name.partition(":")[0] in INIT_SCORES


class NetworkScores:
    """Scores networks for one search, each once; ``scored`` and ``failed`` count networks and those with a score missing."""

    def __init__(self, settings: ScoreSettings, cache: CandidateCache) -> None:
        self.names = settings.names
        self._settings, self._cache = settings, cache
        self._counted: set[str] = set()
        self.failed = 0

    @property
    def scored(self) -> int:
        """Networks that were scored."""
        return len(self._counted)

    def of(self, decisions: Decisions) -> tuple[float, ...]:
        """The scores in the order of ``names``; NaN where one fails or is infinite, or the network cannot be built."""
        candidate = self._cache.decode(decisions)
        if candidate is None:
            return (math.nan,) * len(self.names)
        known = self._settings.known
        if candidate.key not in known:
            known[candidate.key] = tuple(self._score(name, candidate) for name in self.names)
        found = known[candidate.key]
        if candidate.key not in self._counted:
            self._counted.add(candidate.key)
            self.failed += any(map(math.isnan, found))
        return found

    def check(self) -> None:
        """Raises InputError where the networks of this space have no such score: no network, no such cost, other images."""
        rng = Random(SEED)
        drawn = (self._cache.decode(self._cache.space.sample(rng)) for _ in range(TRIED))
        candidate = next((one for one in drawn if one is not None), None)
        if candidate is not None:
            for name in self.names:
                self._check(name, candidate)

    def _check(self, name: str, candidate: DecodedCandidate) -> None:
        if not needs_images(name):
            if name not in candidate.costs:
                known = ", ".join(name for name in COSTS if name in candidate.costs)
                raise InputError.of("prior", f"a cost that is known beforehand ({known or 'none is'})", name)
            return
        if candidate.architecture is None:
            raise InputError.of("prior", "a space that decodes to networks, or costs", name)
        images, channels = self._settings.images, candidate.architecture.in_channels
        if images is not None and images.channels != channels:
            wanted = f"images of {channels} channels to score networks on (--data)"
            raise InputError.of("prior", wanted, f"{images.name}, which has {images.channels}")

    @property
    def sentence(self) -> str | None:
        """What to say of networks that lack a score; None where none does."""
        if not self.failed:
            return None
        return f"prior: {self.failed} of {self.scored} networks lack a score, which was estimated"

    def _score(self, name: str, candidate: DecodedCandidate) -> float:
        if not needs_images(name):
            return float(candidate.costs.get(name, math.nan))
        try:
            value = self._value(name, candidate.key, candidate.architecture)
        except Exception:  # a network that cannot be scored is imputed and counted
            return math.nan
        return value if math.isfinite(value) else math.nan

    def _value(self, name: str, key: str, architecture: Architecture | None) -> float:
        one = Candidate(0, {}, key, architecture, SEED)
        return self._settings.evaluators[name].value(one.network("score"), one.stream)
