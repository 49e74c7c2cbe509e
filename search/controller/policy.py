"""A recurrent policy over conditional decisions, in numpy: one LSTM layer, one softmax for each decision.

The network reads the decisions in their order. At each active one its input is the embedding of the option
taken before plus the embedding of the decision itself, and its logits are that decision's rows of one
output matrix; inactive decisions are skipped and leave the state unchanged. A batch is an integer array of shape
(sequences, decisions) of option positions, −1 where inactive. Everything is float64. Sequences are short and batches
small: a tensor library would spend its time on overhead here.

LSTM: Hochreiter and Schmidhuber 1997 with forget gates (Gers et al. 2000); as a policy that emits networks:
Zoph and Le 2017. Adam: Kingma and Ba 2015, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.encoding import Encoding, Floats, Ints


@dataclass
class _Step:
    """What the backward pass needs of one decision."""

    decision: int
    rows: Ints | slice
    tokens: Ints
    joined: Floats
    gates: tuple[Floats, Floats, Floats, Floats]
    before: Floats
    cell_tanh: Floats
    hidden: Floats
    probabilities: Floats
    chosen: Ints


class Policy:
    """The network and its optimiser. Its state is a function of the seed and of the updates, in order."""

    def __init__(
        self, encoding: Encoding, seed: int, *, hidden: int = 32, learning_rate: float = 0.01
    ) -> None:
        self.encoding, self.hidden, self.learning_rate = encoding, hidden, learning_rate
        rng = np.random.default_rng(seed)
        scale = 1 / np.sqrt(hidden)
        self.weights: dict[str, Floats] = {
            # The last row stands for "nothing chosen yet".
            "options": rng.normal(0, 0.3, (encoding.options + 1, hidden)),
            "decisions": rng.normal(0, 0.3, (len(encoding.decisions), hidden)),
            "lstm": rng.normal(0, scale / 2, (2 * hidden, 4 * hidden)),
            "lstm_bias": np.concatenate([np.zeros(hidden), np.ones(hidden), np.zeros(2 * hidden)]),
            # Small, so that the untrained policy is close to uniform.
            "output": rng.normal(0, 0.01, (encoding.options, hidden)),
            "output_bias": np.zeros(encoding.options),
        }
        self._first = {name: np.zeros_like(w) for name, w in self.weights.items()}
        self._second = {name: np.zeros_like(w) for name, w in self.weights.items()}
        self._steps = 0

    def sample(self, number: int, rng: np.random.Generator, temperature: Floats | float = 1.0) -> Ints:
        """``number`` sequences drawn from the policy at ``temperature`` (one, or one for each sequence)."""
        return self.complete(np.full((number, len(self.encoding.decisions)), -1), rng, temperature)

    def complete(self, kept: Ints, rng: np.random.Generator, temperature: Floats | float = 1.0) -> Ints:
        """``kept`` with every −1 that is active drawn from the policy, given the decisions before it.

        A kept option whose decision is not active under what was drawn is dropped.
        """
        rows = np.full_like(kept, -1)
        uniform = rng.random(kept.shape)
        temperatures = np.broadcast_to(np.asarray(temperature, float), (len(kept),))
        self._forward(rows, draw=(uniform, temperatures), kept=kept)
        return rows

    def log_probabilities(self, rows: Ints) -> Floats:
        """log π of each sequence; shape (sequences,)."""
        total, _, _ = self._forward(rows)
        return total

    def update(
        self,
        rows: Ints,
        advantages: Floats,
        entropy_weight: float,
        old: Floats | None = None,
        clip: float = 0.2,
    ) -> None:
        """One Adam step up the mean of advantage × log π + entropy_weight × entropy.

        With ``old`` (log π when the sequences were drawn) the step is up PPO's clipped objective
        (Schulman et al. 2017, eq. 7), taken on the ratio of whole sequences.
        """
        total, steps, _ = self._forward(rows, keep=True)
        if old is not None:
            ratio = np.exp(np.clip(total - old, -20, 20))
            beyond = np.where(advantages > 0, ratio > 1 + clip, ratio < 1 - clip)
            advantages = np.where(beyond, 0.0, advantages * ratio)
        self._climb(self._backward(steps, advantages / len(rows), entropy_weight / len(rows)))

    def _forward(
        self,
        rows: Ints,
        draw: tuple[Floats, Floats] | None = None,
        kept: Ints | None = None,
        keep: bool = False,
    ) -> tuple[Floats, list[_Step], Floats]:
        """Runs all sequences; fills ``rows`` in where ``draw`` gives uniform numbers and temperatures."""
        w, size, encoding = self.weights, self.hidden, self.encoding
        batch = len(rows)
        h, c = np.zeros((batch, size)), np.zeros((batch, size))
        token = np.full(batch, encoding.options)
        total, steps = np.zeros(batch), []
        for d in range(rows.shape[1]):
            at: Ints | slice = slice(None)
            if not encoding.unconditional:
                at = np.flatnonzero(encoding.active(rows, d))
                if not len(at):
                    continue
            tokens = token[at]
            joined = np.concatenate([w["options"][tokens] + w["decisions"][d], h[at]], axis=1)
            z = joined @ w["lstm"] + w["lstm_bias"]
            gates = _sigmoid(z[:, : 3 * size])
            i, f, o = gates[:, :size], gates[:, size : 2 * size], gates[:, 2 * size :]
            g = np.tanh(z[:, 3 * size :])
            before = c[at]
            cell = f * before + i * g
            cell_tanh = np.tanh(cell)
            hidden = o * cell_tanh
            h[at], c[at] = hidden, cell
            low = encoding.offsets[d]
            high = low + encoding.sizes[d]
            logits = hidden @ w["output"][low:high].T + w["output_bias"][low:high]
            if draw is not None:
                chosen = _draw(logits / draw[1][at][:, None], draw[0][at, d])
                if kept is not None:
                    chosen = np.where(kept[at, d] >= 0, kept[at, d], chosen)
                rows[at, d] = chosen
            chosen = rows[at, d]
            logits -= logits.max(axis=1, keepdims=True)
            log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            total[at] += log_p[np.arange(len(chosen)), chosen]
            token[at] = low + chosen
            if keep:
                steps.append(
                    _Step(
                        d, at, tokens, joined, (i, f, o, g), before, cell_tanh, hidden, np.exp(log_p), chosen
                    )
                )
        return total, steps, h

    def _backward(self, steps: list[_Step], advantages: Floats, entropy_weight: float) -> dict[str, Floats]:
        """Gradient of Σ advantage × log π + entropy_weight × entropy, by back-propagation through time."""
        w, size, encoding = self.weights, self.hidden, self.encoding
        gradient = {name: np.zeros_like(weight) for name, weight in w.items()}
        dh_all, dc_all = np.zeros((len(advantages), size)), np.zeros((len(advantages), size))
        for step in reversed(steps):
            at, p = step.rows, step.probabilities
            log_p = np.log(np.maximum(p, 1e-300))
            entropy = -(p * log_p).sum(axis=1, keepdims=True)
            dlogits = -advantages[at][:, None] * p - entropy_weight * p * (log_p + entropy)
            dlogits[np.arange(len(p)), step.chosen] += advantages[at]
            low = encoding.offsets[step.decision]
            high = low + encoding.sizes[step.decision]
            gradient["output"][low:high] += dlogits.T @ step.hidden
            gradient["output_bias"][low:high] += dlogits.sum(axis=0)
            dh = dh_all[at] + dlogits @ w["output"][low:high]
            i, f, o, g = step.gates
            dc = dc_all[at] + dh * o * (1 - step.cell_tanh**2)
            dz = np.concatenate(
                [
                    dc * g * i * (1 - i),
                    dc * step.before * f * (1 - f),
                    dh * step.cell_tanh * o * (1 - o),
                    dc * i * (1 - g**2),
                ],
                axis=1,
            )
            gradient["lstm"] += step.joined.T @ dz
            gradient["lstm_bias"] += dz.sum(axis=0)
            djoined = dz @ w["lstm"].T
            dx = djoined[:, :size]
            np.add.at(gradient["options"], step.tokens, dx)
            gradient["decisions"][step.decision] += dx.sum(axis=0)
            dh_all[at], dc_all[at] = djoined[:, size:], dc * f
        return gradient

    def _climb(self, gradient: dict[str, Floats], largest: float = 5.0) -> None:
        """One step of Adam; the gradient's norm is clipped at ``largest``."""
        norm = float(np.sqrt(sum((g**2).sum() for g in gradient.values())))
        shrink = min(1.0, largest / norm) if norm > 0 else 1.0
        self._steps += 1
        rate = self.learning_rate * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        for name, g in gradient.items():
            g *= shrink
            first, second = self._first[name], self._second[name]
            first += 0.1 * (g - first)
            second += 0.001 * (g * g - second)
            self.weights[name] += rate * first / (np.sqrt(second) + 1e-8)


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(0.5 * (np.tanh(0.5 * z) + 1))


def _draw(logits: Floats, uniform: Floats) -> Ints:
    """One option a row by inversion of the softmax's cumulative sums."""
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    cumulative = p.cumsum(axis=1)
    return np.asarray((cumulative < uniform[:, None] * cumulative[:, -1:]).sum(axis=1))
