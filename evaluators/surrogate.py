"""A model that answers for networks that were never trained: gradient boosting fitted to a table's rows.

It is scikit-learn's HistGradientBoostingRegressor on the options of the decisions: numbers as they are, names as
one column each. Cross-validation on shuffled rows measures how well it predicts. The fitted trees are kept as plain
arrays and walked all at once, which answers for one network in a tenth of a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from space.errors import InputError
from space.search_space import SearchSpace

FOLDS = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forest:
    """Regression trees in one set of node arrays; leaves point at themselves."""

    base: float
    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats
    depth: int

    @classmethod
    def of(cls, model: Any) -> Forest:
        """The trees of a fitted HistGradientBoostingRegressor without categories or missing values."""
        trees = [stage[0].nodes for stage in model._predictors]
        roots = np.concatenate([[0], np.cumsum([len(t) for t in trees])[:-1]]).astype(np.int64)
        nodes = np.concatenate(trees)
        own, shift = np.arange(len(nodes)), np.repeat(roots, [len(t) for t in trees])
        leaf = nodes["is_leaf"].astype(bool)
        return cls(
            base=float(np.ravel(model._baseline_prediction)[0]),
            roots=roots,
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
            threshold=np.where(leaf, np.inf, nodes["num_threshold"]),
            left=np.where(leaf, own, nodes["left"].astype(np.int64) + shift),
            right=np.where(leaf, own, nodes["right"].astype(np.int64) + shift),
            value=nodes["value"].astype(np.float64),
            depth=int(nodes["depth"].max()),
        )

    def predict(self, inputs: Floats) -> Floats:
        """Sums of the leaves that each row of ``inputs`` (rows, features) falls into; shape (rows,)."""
        at = np.broadcast_to(self.roots, (len(inputs), len(self.roots)))
        for _ in range(self.depth):
            goes_left = np.take_along_axis(inputs, self.feature[at], axis=1) <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
        return np.asarray(self.base + self.value[at].sum(axis=1), dtype=np.float64)


@dataclass(eq=False)
class Surrogate:
    """Fitted models of accuracy and costs; ``scores`` holds R², Spearman's ρ and RMSE of held-out rows.

    ``features`` has one row for each option of each decision (``offsets`` says where a decision's begin) and
    is summed over the chosen ones; in front of a decision's options stands a row of zeros for where it is not active.
    """

    features: Floats
    offsets: NDArray[np.int64]
    models: Mapping[str, Forest]
    scores: dict[str, dict[str, float]]
    _answers: dict[tuple[int, ...], dict[str, float]] = field(default_factory=dict, repr=False)

    def accuracy(self, position: tuple[int, ...]) -> float:
        """Predicted accuracy, a fraction."""
        return min(1.0, max(0.0, self._answer(position)["accuracy"]))

    def costs(self, position: tuple[int, ...]) -> dict[str, float]:
        """Predicted costs."""
        return {name: value for name, value in self._answer(position).items() if name != "accuracy"}

    def predict(self, positions: NDArray[np.int64], name: str = "accuracy") -> Floats:
        """Predictions for many assignments; ``positions`` has shape (networks, decisions)."""
        return self.models[name].predict(self.features[self.offsets + positions].sum(axis=1))

    def _answer(self, position: tuple[int, ...]) -> dict[str, float]:
        if position not in self._answers:
            row = np.array([position])
            self._answers[position] = {name: float(self.predict(row, name)[0]) for name in self.models}
        return self._answers[position]


def fit(
    space: SearchSpace, rows: NDArray[np.int64], accuracy: Floats, costs: Mapping[str, Floats]
) -> Surrogate:
    """Fits and cross-validates. ``rows`` are option positions, shape (rows, decisions).

    Raises InputError for fewer than 50 rows.
    """
    from scipy.stats import spearmanr
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold, cross_val_predict

    if len(rows) < 50:
        raise InputError.of("table.lookup surrogate", "50 rows or more", len(rows))
    features, offsets = _features(space)
    inputs = features[offsets + rows].sum(axis=1)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    models: dict[str, Forest] = {}
    scores: dict[str, dict[str, float]] = {}
    targets = {"accuracy": accuracy, **{k: v for k, v in costs.items() if k != "seconds"}}
    with _one_thread():
        for name, target in targets.items():
            held_out = cross_val_predict(_model(), inputs, target, cv=folds)
            scores[name] = {
                "r2": float(r2_score(target, held_out)),
                "spearman": float(spearmanr(target, held_out).statistic),
                "rmse": float(np.sqrt(np.mean((target - held_out) ** 2))),
            }
            models[name] = Forest.of(_model().fit(inputs, target))
    return Surrogate(features, offsets, models, scores)


def _features(space: SearchSpace) -> tuple[Floats, NDArray[np.int64]]:
    """(features of each option, where each decision's options begin)."""
    blocks = []
    for decision in space.decisions:
        names = any(isinstance(option, str) for option in decision.options)
        block = np.eye(len(decision.options)) if names else np.array(decision.options, float)[:, None]
        blocks.append(np.concatenate([np.zeros((1, block.shape[1])), block]))
    sizes = [len(block) for block in blocks]
    features = np.zeros((sum(sizes), sum(block.shape[1] for block in blocks)))
    row = column = 0
    for block in blocks:
        features[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return features, (np.concatenate([[0], np.cumsum(sizes)])[:-1] + 1).astype(np.int64)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Holds OpenMP to one thread: on busy cores its threads wait for each other for minutes."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="openmp"):
        yield


def _model() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    # Small leaves and many small steps: tables have thousands of rows, not millions.
    return HistGradientBoostingRegressor(
        learning_rate=0.06, max_iter=400, max_leaf_nodes=15, min_samples_leaf=10, random_state=0
    )
