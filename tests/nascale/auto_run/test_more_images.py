"""Which of the last trainings is the best, where they learned from most of the validation images."""

from __future__ import annotations

from nascale.auto_run.more_images import best, learned_more, went_wrong
from nascale.auto_run.state import Finalist
from nascale.auto_run.work import Trained
from results.intervals import Difference


def trained(name: str, score: float, images: int, seconds: float = 10.0) -> Trained:
    one = Finalist(name, f"{name}.json", False, 0.0, 0.0, 0, 1.0, 1, 1)
    options = {"trained_validation": 0.8} if images < 100 else {}
    return Trained(one, name, score, score, 5, seconds, score, 1.0, 0.5, options, images=images)


def test_scores_count_by_their_images() -> None:
    before = [trained("a", 0.80, 400), trained("b", 0.82, 400)]
    # 100 images of the last training weigh a quarter of the 400 before: 0.02 of these are 0.08 of those.
    for score, name in ((0.97, "b"), (0.99, "a")):
        last = [trained("a", score, 99), trained("b", 0.90, 99)]
        assert all(map(learned_more, last)) and best(last, before).finalist.name == name


def test_the_longest_of_several_shorter_trainings_counts() -> None:
    before = [trained("a", 0.80, 400, 20.0), trained("a", 0.99, 400, 5.0), trained("b", 0.82, 400)]
    assert best([trained("a", 0.9, 50), trained("b", 0.9, 50)], before).finalist.name == "b"


def test_without_a_shorter_training_of_each_only_the_last_count() -> None:
    last = [trained("a", 0.90, 50), trained("b", 0.91, 50)]
    assert best(last, [trained("a", 0.99, 400)]).finalist.name == "b"


def test_only_what_is_clearly_worse_went_wrong() -> None:
    assert went_wrong(Difference(-0.3, -0.4, -0.1, 0.95))
    assert not went_wrong(Difference(-0.1, -0.2, 0.01, 0.95)) and not went_wrong(None)
