"""Accuracy laws: how a network's error falls as it is scaled in depth, width and resolution.

Every law maps the logarithms of the multipliers to an accuracy in points (percent). Three are production
functions, error = E∞ + A·(Σ w_j·x_j^(−ρ_j))^q with weights w that sum to 1, and differ in what they leave
free; the fourth is a polynomial:

``ces``          one ρ for all, q = s/ρ: error = E∞ + K·U^(−s), U = (Σ w_j·x_j^(−ρ))^(−1/ρ), a constant
                 elasticity of substitution (Arrow et al. 1961)
``separable``    q = 1: a power law for each dimension, added up
``generalized``  a ρ for each dimension and q free
``quadratic``    accuracy = c + Σ b_j·log x_j + Σ c_jk·log x_j·log x_k

Published points are few and often lie on one curve, so the production functions carry weak normal priors
on their transformed parameters. Each weighs no more than one observation at the noise ``sigma``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]

_TINY = 1e-12
_RHO_LIMITS = (-0.95, 30.0)


class Law(Protocol):
    """A family of functions from log multipliers, shape (n, k), to accuracies in points, shape (n,)."""

    @property
    def name(self) -> str: ...

    @property
    def formula(self) -> str: ...

    def free(self, dimensions: int) -> int:
        """How many numbers the law has to find for ``dimensions`` varied dimensions."""
        ...

    def fit(
        self,
        x: Array,
        y: Array,
        sigma: float,
        *,
        starts: int = 8,
        start: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """The parameters that fit best; with ``rng``, the priors' means are drawn anew from the priors."""
        ...

    def predict(self, parameters: Array, x: Array) -> Array: ...

    def describe(self, parameters: Array, names: Sequence[str]) -> dict[str, float]:
        """The parameters under the names of the formula."""
        ...


@dataclass(frozen=True)
class Production:
    """The three production functions; ``kind`` is "ces", "separable" or "generalized".

    Parameters, all unbounded: logit and log of the shares that E∞ and A have of the reference errors
    (stored as their logs in points), k − 1 weight logits against the first, then (log s, ρ) for ces,
    log ρ_j for separable, and (log q, log ρ_j) for generalized.
    """

    kind: str

    @property
    def name(self) -> str:
        return self.kind

    @property
    def formula(self) -> str:
        return {
            "ces": "error = E + K*(sum_j w_j*x_j^-rho)^(s/rho)",
            "separable": "error = E + A*sum_j w_j*x_j^-rho_j",
            "generalized": "error = E + A*(sum_j w_j*x_j^-rho_j)^q",
        }[self.kind]

    def free(self, dimensions: int) -> int:
        exponents = {"ces": 2, "separable": dimensions, "generalized": dimensions + 1}[self.kind]
        return 2 + (dimensions - 1) + exponents

    def _prior(self, y: Array, k: int) -> tuple[Array, Array, Array, Array]:
        """(means, standard deviations, lower, upper bounds) of the parameters."""
        error = 100 - y
        reference = float(np.log(max(np.median(error), 1e-3)))
        ceiling = float(np.log(max(error.min(), 1e-3)))
        weights = (np.zeros(k - 1), np.full(k - 1, 2.0), np.full(k - 1, -9.0), np.full(k - 1, 9.0))
        if self.kind == "ces":
            tail = (np.array([-0.5, 0.5]), np.array([1.25, 3.0]))
            low, high = np.array([-5.0, _RHO_LIMITS[0]]), np.array([3.0, _RHO_LIMITS[1]])
        else:
            powers = (np.zeros(k), np.full(k, 1.2), np.full(k, -4.5), np.full(k, 3.4))
            q = (np.zeros(1), np.full(1, 1.2), np.full(1, -4.0), np.full(1, 4.0))
            parts = [np.concatenate(p) for p in zip(q, powers, strict=True)]
            if self.kind == "separable":
                parts = list(powers)
            tail, low, high = (parts[0], parts[1]), parts[2], parts[3]
        mean = np.concatenate([[ceiling - 0.7, reference], weights[0], tail[0]])
        deviation = np.concatenate([[1.5, 2.0], weights[1], tail[1]])
        lower = np.concatenate([[ceiling - 8, reference - 8], weights[2], low])
        upper = np.concatenate([[ceiling, reference + 4], weights[3], high])
        return mean, deviation, lower, upper

    def fit(
        self,
        x: Array,
        y: Array,
        sigma: float,
        *,
        starts: int = 8,
        start: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        mean, deviation, lower, upper = self._prior(y, x.shape[1])
        target = mean if rng is None else rng.normal(mean, deviation)
        # The random starts are part of the method, not of the data, so they are always the same.
        dice = np.random.default_rng(0)
        first = [] if start is None else [start]
        spread = [np.clip(dice.normal(mean, deviation / 2), lower, upper) for _ in range(starts)]
        inside = 1e-9 * (upper - lower)

        def residuals(p: Array) -> Array:
            return np.concatenate([(self.predict(p, x) - y) / sigma, (p - target) / deviation])

        def jacobian(p: Array) -> Array:
            return np.concatenate([self._slopes(p, x) / sigma, np.diag(1 / deviation)])

        best: tuple[float, Array] | None = None
        for guess in [*first, *spread]:
            found = least_squares(
                residuals,
                np.clip(guess, lower + inside, upper - inside),
                jac=jacobian,
                bounds=(lower, upper),
                x_scale=deviation,
                max_nfev=300,
            )
            if best is None or found.cost < best[0] * (1 - 1e-9):
                best = (float(found.cost), found.x)
        assert best is not None
        return best[1]

    def _weights(self, parameters: Array, k: int) -> Array:
        logits = np.concatenate([[0.0], parameters[2 : k + 1]])
        logits = np.exp(logits - logits.max())
        return np.asarray(logits / logits.sum(), dtype=np.float64)

    def _total(self, parameters: Array, x: Array) -> tuple[float, Array, Array, Array]:
        """q, the exponents ρ_j, log Σ w_j·x_j^(−ρ_j), and each term's share of that sum."""
        k = x.shape[1]
        tail = parameters[k + 1 :]
        if self.kind == "ces":
            s, rho = np.exp(tail[0]), tail[1]
            rho = rho if abs(rho) > 1e-6 else 1e-6
            power, exponents = s / rho, np.full(k, rho)
        elif self.kind == "separable":
            power, exponents = 1.0, np.exp(tail)
        else:
            power, exponents = np.exp(tail[0]), np.exp(tail[1:])
        terms = np.log(self._weights(parameters, k) + _TINY) - x * exponents
        top = terms.max(axis=1, keepdims=True)
        shares = np.exp(terms - top)
        sums = shares.sum(axis=1, keepdims=True)
        return float(power), exponents, top[:, 0] + np.log(sums[:, 0]), shares / sums

    def predict(self, parameters: Array, x: Array) -> Array:
        power, _, total, _ = self._total(parameters, x)
        error = np.exp(parameters[0]) + np.exp(np.clip(parameters[1] + power * total, -50, 50))
        return np.asarray(100 - error, dtype=np.float64)

    def _slopes(self, parameters: Array, x: Array) -> Array:
        """The derivative of ``predict`` by every parameter, shape (n, parameters)."""
        k = x.shape[1]
        power, exponents, total, shares = self._total(parameters, x)
        fall = np.exp(np.clip(parameters[1] + power * total, -50, 50))[:, None]
        weights = self._weights(parameters, k)
        columns = [np.full((len(x), 1), np.exp(parameters[0])), fall]
        columns.append(fall * power * (shares - weights)[:, 1:])
        by_exponent = -fall * power * shares * x
        by_power = fall * power * total[:, None]
        if self.kind == "ces":
            # q = s/ρ: by log s as by log q; by ρ through q and through the terms.
            columns += [by_power, -by_power / exponents[0] + by_exponent.sum(axis=1, keepdims=True)]
        else:
            columns += [by_power] if self.kind == "generalized" else []
            columns.append(by_exponent * exponents)
        return np.asarray(-np.concatenate(columns, axis=1), dtype=np.float64)

    def describe(self, parameters: Array, names: Sequence[str]) -> dict[str, float]:
        k = len(names)
        amplitude = "K" if self.kind == "ces" else "A"
        shown = {"E": float(np.exp(parameters[0])), amplitude: float(np.exp(parameters[1]))}
        weights = self._weights(parameters, k)
        shown |= {f"w_{name}": float(w) for name, w in zip(names, weights, strict=True)}
        tail = parameters[k + 1 :]
        if self.kind == "ces":
            return shown | {"s": float(np.exp(tail[0])), "rho": float(tail[1])}
        if self.kind == "generalized":
            shown["q"] = float(np.exp(tail[0]))
            tail = tail[1:]
        return shown | {f"rho_{name}": float(np.exp(p)) for name, p in zip(names, tail, strict=True)}


@dataclass(frozen=True)
class Quadratic:
    """Accuracy as a full quadratic in the logarithms, by least squares with a trace of ridge."""

    name: str = "quadratic"
    formula: str = "accuracy = c + sum_j b_j*log x_j + sum_jk c_jk*log x_j*log x_k"

    def free(self, dimensions: int) -> int:
        return (dimensions + 1) * (dimensions + 2) // 2

    @staticmethod
    def _columns(x: Array) -> Array:
        k = x.shape[1]
        pairs = [x[:, i] * x[:, j] for i in range(k) for j in range(i, k)]
        return np.stack([np.ones(len(x)), *x.T, *pairs], axis=1)

    def fit(
        self,
        x: Array,
        y: Array,
        sigma: float,
        *,
        starts: int = 8,
        start: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        columns = self._columns(x)
        count = columns.shape[1]
        # Wide normal priors (100 points), so that a rank-deficient design has one answer.
        target = np.asarray(np.zeros(count) if rng is None else rng.normal(0, 100.0, count))
        target[0] = float(y.mean())
        ridge = sigma / 100.0
        lhs = np.concatenate([columns, ridge * np.eye(count)])
        answer = np.linalg.lstsq(lhs, np.concatenate([y, ridge * target]), rcond=None)[0]
        return np.asarray(answer, dtype=np.float64)

    def predict(self, parameters: Array, x: Array) -> Array:
        return np.asarray(self._columns(x) @ parameters, dtype=np.float64)

    def describe(self, parameters: Array, names: Sequence[str]) -> dict[str, float]:
        pairs = [f"c_{a}_{b}" for i, a in enumerate(names) for b in names[i:]]
        keys = ["c", *(f"b_{name}" for name in names), *pairs]
        return {key: float(value) for key, value in zip(keys, parameters, strict=True)}


LAWS: dict[str, Law] = {
    law.name: law
    for law in (Production("ces"), Production("separable"), Production("generalized"), Quadratic())
}
