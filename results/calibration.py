"""Whether probabilities mean what they say: of images with a confidence of 0.8, four in five should be right.

One temperature divides all logits. It changes no prediction and is found on other images than those it is judged on
(Guo et al. 2017, "On Calibration of Modern Neural Networks").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from results.classification import checked

BINS = 15
COLDEST, HOTTEST = 0.05, 20.0
"""Between these a temperature is looked for: where every image is right, the likelihood rises towards 0 for ever."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """How probabilities agree with what is right.

    ``error`` is the expected calibration error (Guo et al. 2017, eq. 3): the difference of mean confidence and share of
    right images in each of ``BINS`` bins of equal width, (0, 1/15], (1/15, 2/15] …, weighted by the images in it.
    ``loss`` is the mean negative log-likelihood in nats, ``brier`` the mean squared distance of the probabilities from
    the truth (0 to 2; Brier 1950). ``counts``, ``confidence`` and ``right`` (bins) are the images in each bin and,
    NaN in an empty one, their mean confidence and the share of them that is right.
    """

    error: float
    loss: float
    brier: float
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]

    @classmethod
    def of(cls, logits: NDArray[Any], labels: NDArray[Any], temperature: float = 1.0) -> Calibration:
        """The calibration of softmax(``logits`` / ``temperature``) (n, k) on ``labels`` (n). Raises InputError as ``checked``."""
        checked(logits, labels)
        shares = probabilities(logits, temperature)
        confidence = shares.max(axis=1)
        right = (logits.argmax(axis=1) == labels).astype(float)
        bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        counts = np.bincount(bins, minlength=BINS)
        sums = (np.bincount(bins, values, minlength=BINS) for values in (confidence, right))
        means = [np.divide(s, counts, out=np.full(BINS, np.nan), where=counts > 0) for s in sums]
        truth = np.zeros_like(shares)
        truth[np.arange(len(labels)), labels] = 1
        return cls(
            error=float(np.nansum(counts * np.abs(means[0] - means[1])) / len(labels)),
            loss=negative_log_likelihood(logits, labels, temperature),
            brier=float(((shares - truth) ** 2).sum(axis=1).mean()),
            counts=counts,
            confidence=means[0],
            right=means[1],
        )


def probabilities(logits: NDArray[Any], temperature: float = 1.0) -> NDArray[np.float64]:
    """softmax(``logits`` / ``temperature``) (n, k), in double precision."""
    shares: NDArray[np.float64] = softmax(np.asarray(logits, np.float64) / temperature, axis=1)
    return shares


def negative_log_likelihood(logits: NDArray[Any], labels: NDArray[Any], temperature: float = 1.0) -> float:
    """The mean of −log p(label) in nats."""
    logs = log_softmax(np.asarray(logits, np.float64) / temperature, axis=1)
    return float(-logs[np.arange(len(labels)), labels].mean())


def fitted_temperature(logits: NDArray[Any], labels: NDArray[Any]) -> float:
    """The temperature with the smallest mean negative log-likelihood of ``labels`` (n) under ``logits`` (n, k).

    That mean is convex in 1 / T, so it has one minimum; it is looked for between ``COLDEST`` and ``HOTTEST``. Raises InputError as ``checked``.
    """
    checked(logits, labels)
    found = minimize_scalar(
        lambda x: negative_log_likelihood(logits, labels, math.exp(x)),
        bounds=(math.log(COLDEST), math.log(HOTTEST)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return math.exp(float(found.x))
