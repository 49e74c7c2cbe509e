"""TensorBoard reads one value for each epoch, also after a training went on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evaluators.images.image_set import ImageSet
from evaluators.trainer.tensorboard import TensorBoardLog
from space.errors import InputError
from tests.evaluators.trainer.test_full_training import trained, training


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_epoch_is_there_once(digits: ImageSet, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    one = training(digits)
    while not one.finished:
        trained(one, one.steps + 1)
        with TensorBoardLog(tmp_path) as log:
            log(one)
            log(one)
    found = EventAccumulator(str(tmp_path)).Reload()
    events = found.Scalars("accuracy/raw")
    assert [event.step for event in events] == [1, 2]
    assert [event.value for event in events] == pytest.approx([row.accuracy for row in one.rows])


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"--tensorboard: .*pip install 'nascale\[tensorboard\]'"):
        TensorBoardLog(tmp_path)
