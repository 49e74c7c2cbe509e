"""One look at the test images: every figure of a trained network, and what the figures cannot tell.

The temperature is found on the validation images and judged on the test images. Nothing is chosen by the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.calibration import Calibration, fitted_temperature, probabilities
from results.classification import Classification
from results.intervals import LEVEL, Estimate
from results.mistakes import Mistake, confident_mistakes

WIDE = 0.05
"""An interval wider than this is spoken of: stock networks of one cost seldom differ by more."""
FEW = 10
"""A class of fewer test images is spoken of."""
MOST_CLASSES = 30
"""A run keeps the confusion matrices of its looks up to so many classes."""
_NAMED = 8


@dataclass(frozen=True, eq=False)
class Look:
    """The figures of n test images of k classes.

    ``labels`` (n) are the truth, ``shares`` (n, k) the probabilities before a temperature. ``validation`` is the
    accuracy on the validation images, by which the weights were chosen; ``temperature`` was fitted on them too.
    ``before`` and ``after`` are the calibration on the test images without and with the temperature.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    shares: NDArray[np.float64]
    figures: Classification
    validation: Estimate
    temperature: float
    before: Calibration
    after: Calibration

    @classmethod
    def of(
        cls,
        test: tuple[NDArray[Any], NDArray[Any]],
        validation: tuple[NDArray[Any], NDArray[Any]],
        names: Sequence[str],
    ) -> Look:
        """The look at (logits (n, k), labels (n)) of both splits. Raises InputError for what does not fit together."""
        figures = Classification.of(*test, names)
        temperature = fitted_temperature(*validation)
        return cls(
            names=tuple(names),
            labels=test[1],
            shares=probabilities(test[0]),
            figures=figures,
            validation=Classification.of(*validation, names).accuracy,
            temperature=temperature,
            before=Calibration.of(*test),
            after=Calibration.of(*test, temperature),
        )

    def mistakes(self, most: int = 20) -> tuple[Mistake, ...]:
        """The most confident mistakes; positions are those in the test split."""
        return confident_mistakes(self.shares, self.labels, most)

    def warnings(self) -> list[str]:
        """Sentences about what so few images cannot tell."""
        told, images, width = [], self.figures.images, self.figures.accuracy.width
        if width > WIDE:
            told.append(
                f"{images:,} test images leave {100 * width:.1f} points between the ends of the accuracy's interval: "
                "networks that differ by less can hardly be told apart by them"
            )
        few = [one for one in self.figures.classes if one.support < FEW]
        if few:
            named = ", ".join(f"{one.name} ({one.support})" for one in few[:_NAMED])
            more = f" and {len(few) - _NAMED} more classes" if few[_NAMED:] else ""
            told.append(
                f"fewer than {FEW} test images of {named}{more}: what is said of such a class may be chance"
            )
        return told

    def record(self) -> dict[str, Any]:
        """The figures that a run keeps of a look; the confusion matrix is too large for that where there are many classes."""
        counts = self.figures.confusion.tolist()
        known = len(self.names) <= MOST_CLASSES
        return {
            "images": self.figures.images,
            **_of("accuracy", self.figures.accuracy),
            **_of("balanced_accuracy", self.figures.balanced_accuracy),
            "temperature": self.temperature,
            **({"confusion": {"classes": list(self.names), "counts": counts}} if known else {}),
        }

    def to_json(self) -> dict[str, Any]:
        """All figures as one document. Intervals are of ``level``; ``mistakes`` are the most confident ones."""
        figures = self.figures
        return {
            **self.record(),
            "level": LEVEL,
            **({} if figures.top5 is None else _of("top5_accuracy", figures.top5)),
            "validation_accuracy": self.validation.value,
            "classes": self.rows(),
            "confusion": figures.confusion.tolist(),
            "calibration": {
                when: {"error": one.error, "loss": one.loss, "brier": one.brier}
                for when, one in (("before", self.before), ("after", self.after))
            },
            "mistakes": [
                {
                    "position": one.position,
                    "class": self.names[one.truth],
                    "predicted": self.names[one.predicted],
                    "confidence": one.confidence,
                }
                for one in self.mistakes()
            ],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row for each class, in their order."""
        return [
            {
                "class": one.name,
                "images": one.support,
                "predicted": one.predicted,
                "precision": one.precision,
                **_of("recall", one.recall),
            }
            for one in self.figures.classes
        ]


def _of(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    """A figure and the ends of its interval: of the accuracy they are called ``low`` and ``high``."""
    prefix = "" if name == "accuracy" else f"{name}_"
    value, low, high = (
        (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    )
    return {name: value, f"{prefix}low": low, f"{prefix}high": high}
