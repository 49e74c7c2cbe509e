"""The accuracy that a fitted law expects of scaled networks, with its interval: what ``nascale scale fit`` wrote, read again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from results.intervals import Estimate
from results.toml_file import read_text_file
from search.scaling.bootstrap import LEVEL
from search.scaling.laws import LAWS, Array
from search.scaling.points import DIMENSIONS
from space.errors import InputError

_MOST_FITS = 100_000


@dataclass(frozen=True)
class LawPrediction:
    """A law with its parameters, the bootstrap's ``fits`` (law, parameters), and the ``noise`` of an accuracy in points.

    ``varied`` are the dimensions that the law knows, of depth, width and resolution.
    """

    law: str
    theta: Array
    varied: tuple[int, ...]
    fits: tuple[tuple[str, Array], ...]
    noise: float

    @classmethod
    def read(cls, path: str | Path, argument: str = "--law") -> LawPrediction:
        """The law in a file that ``nascale scale fit --format json`` wrote. Raises InputError (``argument``) for any other."""
        wanted = "a file that scale fit --format json wrote"
        text = read_text_file(path, argument, wanted)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError.of(argument, wanted, f"{path} ({error})") from None
        if not isinstance(document, Mapping) or "fits" not in document:
            raise InputError.of(argument, f"{wanted} (one of an earlier version holds no fits)", path)
        try:
            varied = tuple(DIMENSIONS.index(name) for name in document["varied"])
            fits = tuple(_fit(one, len(varied)) for one in document["fits"][:_MOST_FITS])
            law, theta = _fit(document, len(varied))
            points, free = int(document["points"]), int(document["laws"][0]["free"])
            noise = float(document["rmse"]) * sqrt(points / max(points - free, points / 3))
            if not isfinite(noise) or not varied:
                raise ValueError("no law")
        except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
            raise InputError.of(argument, wanted, f"{path} ({error})") from None
        return cls(law, theta, varied, fits, noise)

    def unknown(self, multipliers: Sequence[float]) -> tuple[str, ...]:
        """The dimensions in which a network differs from the base and of which the law knows nothing."""
        return tuple(
            name
            for place, name in enumerate(DIMENSIONS)
            if place not in self.varied and abs(multipliers[place] - 1) > 1e-9
        )

    def predicted(self, multipliers: Sequence[float]) -> Estimate:
        """The accuracy (a fraction) of one training of a network with these multipliers, with the interval at ``LEVEL``.

        What the bootstrap's fits disagree about and the noise of one accuracy add up as squares.
        """
        x = np.log(np.asarray([[multipliers[place] for place in self.varied]], dtype=np.float64))
        middle = float(LAWS[self.law].predict(self.theta, x)[0])
        drawn = [float(LAWS[law].predict(theta, x)[0]) for law, theta in self.fits] or [middle]
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        noise = float(ndtri((1 + LEVEL) / 2)) * self.noise
        below, above = max(0.0, middle - float(low)), max(0.0, float(high) - middle)
        ends = (middle, middle - sqrt(below**2 + noise**2), middle + sqrt(above**2 + noise**2))
        value, bottom, top = (min(1.0, max(0.0, end / 100)) for end in ends)
        return Estimate(value, bottom, top)


def _fit(stored: Mapping[str, Any], dimensions: int) -> tuple[str, Array]:
    """(law, parameters) of a stored fit. Raises KeyError, TypeError or ValueError for one that cannot be."""
    law, theta = str(stored["law"]), np.asarray(stored["theta"], dtype=np.float64)
    if law not in LAWS or theta.ndim != 1 or not np.isfinite(theta).all():
        raise ValueError(f"no law {law!r} with such parameters")
    with np.errstate(all="ignore"):
        if not np.isfinite(LAWS[law].predict(theta, np.zeros((1, dimensions)))).all():
            raise ValueError(f"parameters of {law} that give no accuracy")
    return law, theta
