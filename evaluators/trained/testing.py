"""The test of a trained network: a look at the test images, which the run remembers before anybody sees the figures."""

from __future__ import annotations

from datetime import UTC, datetime

from evaluators.images.image_set import ImageSet
from evaluators.trained.classifier import Classifier
from evaluators.trained.run_folder import TrainedRun, open_run
from results.look import Look
from space.errors import InputError


def look_at(run: TrainedRun, images: ImageSet, device: str = "cpu") -> Look:
    """The figures of the run's kept weights on the test split of ``images``, which are the run's.

    Nothing is written. Raises InputError where the set has no labelled test images.
    """
    if not len(images.test):
        raise InputError.of("RUN", "a run whose images have a labelled test split", f"{images.name} without")
    classifier = Classifier(run, device)
    validation, test = (
        (classifier.logits(images.images, split), images.labels[split])
        for split in (images.validation, images.test)
    )
    return Look.of(test, validation, run.classes)


def remember(run: TrainedRun, look: Look, command: str) -> TrainedRun:
    """The run with one more look in ``tests``, written to its folder; looks of other processes are kept.

    Raises InputError (RUN) where the folder cannot be written: figures that are not recorded are not to be shown.
    """
    entry = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **look.record(),
        "weights": run.weights_checksum(),
        "command": command,
    }
    now = open_run(run.folder)
    return now.write("RUN", tests=(*now.tests, entry))


def looks_at_weights(run: TrainedRun) -> int:
    """How many of the looks were at the weights that the run has now."""
    weights = run.weights_checksum()
    return sum(test["weights"] == weights for test in run.tests)
