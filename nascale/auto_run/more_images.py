"""The last training learns from most of the validation images too, and what is chosen among its networks then.

Up to then the validation images choose: the augmentation, the best networks. Once that is done, most of them are worth more as
training images (as AutoGluon's ``refit_full`` and scikit-learn's ``refit`` take them, there without leaving any). A part is left, which sees whether a
training went wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from nascale.auto_run.work import Trained
from results.intervals import Difference

OPTION = "trained_validation"
SHARE = 0.8
"""Of the validation images that the last training learns from."""
FEWEST_EPOCHS = 60
"""In shorter trainings it is not images that are missing (docs/auto-figures.md has the figures)."""


def learned_more(trained: Trained) -> bool:
    """Whether it learned from validation images."""
    return bool(trained.options.get(OPTION))


def best(last: Sequence[Trained], before: Sequence[Trained]) -> Trained:
    """The best of the ``last`` trainings, which learned from validation images.

    Those left judge it no better than its shorter training ``before`` was judged by all: the scores of both count, by their
    images. Where one of them was not trained before, only the last ones count.
    """
    known = {one.finalist.name: one for one in sorted(before, key=lambda one: one.seconds)}
    if not all(one.finalist.name in known for one in last):
        return max(last, key=lambda one: one.score)

    def score(one: Trained) -> float:
        short = known[one.finalist.name]
        images = short.images + one.images
        return (short.images * short.score + one.images * one.score) / images

    return max(last, key=score)


def went_wrong(difference: Difference | None) -> bool:
    """Whether the last training is clearly worse than what is exported, by the ``difference`` on the images left."""
    return difference is not None and difference.high < 0
