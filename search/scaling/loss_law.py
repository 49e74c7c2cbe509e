"""The loss law: how a network's validation loss falls as it is scaled and as it is trained for longer.

    loss = E + Σ_j A_j·x_j^(−a_j) + B·Π_j x_j^(b_j)·C^(−c)

x are the multipliers of depth, width and resolution, C the compute of the training (MACs of the network times images seen). E is
the asymptote and c the compute exponent, both shared by all networks. The last term says how much of the training is still to
come: a dimension with a large b_j is slow to train and pays late. In one dimension it is the form with which Alabdulmohsin et al.
2023 (arXiv 2305.13035, eq. 1) found the shape of a vision transformer; here the dimensions share E, B and c. In the logarithms of x
and C every term is convex, so the best division of a budget is unique.

All parameters carry weak normal priors, for a few trainings do not determine all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.scaling.laws import Array

_LARGEST = 30.0
"""Bound on exponents of e, so that a search for parameters that strays gives large numbers and no warnings."""


@dataclass(frozen=True)
class LossLaw:
    """The law over ``dimensions`` varied dimensions, around the logarithms ``reference`` (dimensions + 1: x, then C).

    A parameter vector holds ln E, ln(A_j·a_j) (the slopes at the reference), ln a_j, ln B, b_j and ln c.
    """

    reference: Array

    @property
    def dimensions(self) -> int:
        return len(self.reference) - 1

    @property
    def free(self) -> int:
        """The number of parameters."""
        return 3 + 3 * self.dimensions

    def _parts(self, theta: Array) -> tuple[Array, Array, Array, Array, Array, Array]:
        """E, slopes, a, B, b and c of parameter vectors, shape (…, free); E, B and c have shape (…, 1)."""
        k = self.dimensions
        return (
            np.exp(theta[..., :1]),
            np.exp(theta[..., 1 : k + 1]),
            np.exp(theta[..., k + 1 : 2 * k + 1]),
            np.exp(theta[..., 2 * k + 1 : 2 * k + 2]),
            theta[..., 2 * k + 2 : 3 * k + 2],
            np.exp(theta[..., 3 * k + 2 :]),
        )

    def predict(self, theta: Array, x: Array) -> Array:
        """Losses in nats, shape (…, n), of networks whose logarithms ``x`` of multipliers and compute have shape (…, n, k + 1)."""
        floor, slopes, a, amplitude, b, c = self._parts(theta)
        z = x - self.reference
        fall = (
            np.exp(np.clip(-a[..., None, :] * z[..., :-1], -_LARGEST, _LARGEST)) * (slopes / a)[..., None, :]
        )
        return np.asarray(floor + fall.sum(axis=-1) + self._left(amplitude, b, c, z), dtype=np.float64)

    @staticmethod
    def _left(amplitude: Array, b: Array, c: Array, z: Array) -> Array:
        """What the training has not removed yet: B·Πx^b·C^(−c)."""
        power = (b[..., None, :] * z[..., :-1]).sum(axis=-1) - c * z[..., -1]
        return np.asarray(amplitude * np.exp(np.clip(power, -_LARGEST, _LARGEST)), dtype=np.float64)

    def slopes(self, theta: Array, x: Array) -> Array:
        """The derivative of ``predict`` by every parameter, shape (n, free), for one vector."""
        floor, slopes, a, amplitude, b, c = self._parts(theta)
        z = x - self.reference
        fall = np.exp(np.clip(-a * z[:, :-1], -_LARGEST, _LARGEST)) * slopes / a
        left = self._left(amplitude, b, c, z)[:, None]
        columns = [np.full((len(x), 1), floor), fall, -fall * (1 + a * z[:, :-1])]
        columns += [left, left * z[:, :-1], -left * c * z[:, -1:]]
        return np.concatenate(columns, axis=1)

    def prior(self, loss: Array) -> tuple[Array, Array]:
        """Means and standard deviations of the parameters, from the size of the losses alone."""
        k = self.dimensions
        least, spread = float(loss.min()), float(max(np.ptp(loss), 0.02 * loss.min()))
        mean = np.concatenate(
            [
                [np.log(0.6 * least)],
                np.full(k, np.log(spread / 2)),
                np.full(k, np.log(0.7)),
                [np.log(spread / 2)],
                np.full(k, 0.3),
                [np.log(0.4)],
            ]
        )
        deviation = np.concatenate([[0.5], np.full(k, 1.5), np.full(k, 1.0), [1.5], np.full(k, 0.8), [0.8]])
        return mean, deviation

    def describe(self, theta: Array, names: tuple[str, ...]) -> dict[str, float]:
        """The parameters under the names of the formula, for multipliers and compute as they were given."""
        floor, slopes, a, amplitude, b, c = self._parts(theta)
        at = self.reference
        shown = {"E": float(floor[0])}
        for j, name in enumerate(names):
            shown[f"A_{name}"] = float(slopes[j] / a[j] * np.exp(a[j] * at[j]))
            shown[f"a_{name}"] = float(a[j])
        shown["B"] = float(amplitude[0] * np.exp(c[0] * at[-1] - b @ at[:-1]))
        shown |= {f"b_{name}": float(value) for name, value in zip(names, b, strict=True)}
        return shown | {"c": float(c[0])}
