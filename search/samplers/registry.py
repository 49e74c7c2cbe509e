"""The samplers by name. A module of this package that holds ``SAMPLERS`` is found by itself; its folders are not.

Those modules import the libraries of their samplers only when a sampler is made, so listing them is cheap.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from search import samplers as package
from search.samplers.protocol import Sampler, SamplerInfo
from search.settings import SearchSettings
from space.errors import UnknownNameError
from space.search_space import SearchSpace


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


def make_sampler(space: SearchSpace, settings: SearchSettings) -> Sampler:
    """The sampler that ``settings.sampler`` names.

    Raises UnknownNameError with the nearest names, InputError where it does not fit the space or the objectives.
    """
    if settings.sampler not in samplers():
        raise UnknownNameError("sampler", settings.sampler, samplers())
    with warnings.catch_warnings():
        # Optuna marks NSGA-III and the groups of TPE as experimental.
        warnings.simplefilter("ignore")
        return samplers()[settings.sampler].make(space, settings.seed, len(settings.objective.names))
