"""The samplers by name. A module of this package that holds ``SAMPLERS`` is found by itself; its folders are not.

Those modules import the libraries of their samplers only when a sampler is made, so listing them is cheap.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from search import samplers as package
from search.samplers.protocol import Heir, Informed, Sampler, SamplerInfo
from search.settings import SearchSettings
from space.errors import InputError, UnknownNameError
from space.search_space import SearchSpace

if TYPE_CHECKING:
    from search.prior.network_scores import NetworkScores
    from search.transfer.experience import Experience


@cache
def samplers() -> dict[str, SamplerInfo]:
    """Every sampler by name, in alphabetical order."""
    found: dict[str, SamplerInfo] = {}
    for module in iter_modules(package.__path__):
        if module.ispkg:
            continue
        declared: tuple[SamplerInfo, ...] = vars(import_module(f"{package.__name__}.{module.name}")).get(
            "SAMPLERS", ()
        )
        found |= {info.name: info for info in declared}
    return dict(sorted(found.items()))


def make_sampler(
    space: SearchSpace,
    settings: SearchSettings,
    experiences: Sequence[Experience] = (),
    scores: NetworkScores | None = None,
) -> Sampler:
    """The sampler that ``settings.sampler`` names, which starts from ``experiences`` of other studies and uses ``scores``.

    Raises UnknownNameError with the nearest names, InputError where it does not fit the space or the objectives, or cannot
    learn from other studies or from scores.
    """
    if settings.sampler not in samplers():
        raise UnknownNameError("sampler", settings.sampler, samplers())
    with warnings.catch_warnings():
        # Optuna marks NSGA-III and the groups of TPE as experimental.
        warnings.simplefilter("ignore")
        sampler = samplers()[settings.sampler].make(space, settings.seed, len(settings.objective.names))
    if experiences:
        if not isinstance(sampler, Heir):
            raise InputError.of(
                "learn_from",
                "sampler controller or controller-ppo, which learn from studies",
                settings.sampler,
            )
        sampler.inherit(experiences)
    if scores is not None:
        if not isinstance(sampler, Informed):
            raise InputError.of("prior", "sampler controller or gp-ei, which use scores", settings.sampler)
        sampler.inform(scores)
    return sampler
