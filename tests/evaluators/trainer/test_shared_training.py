"""Workers that train together, as processes of torch's own: they take the steps of one with the whole batch."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from evaluators.data import load
from evaluators.evaluator import Diverged
from evaluators.images.image_set import ImageSet
from evaluators.trainer.full_training import FullTraining, new_network
from evaluators.trainer.shared_training import SharedTraining
from evaluators.trainer.team import Team
from space.architecture import Architecture, Stage
from space.blocks import Cell, Conv, Dense, GlobalPool
from tests.evaluators.test_training import NET
from tests.evaluators.trainer.test_full_training import CPU, PLAIN, trained, training

PLAIN_NET = Architecture(
    (Conv(8, norm=False), Conv(16, 3, 2, norm=False)), (), (GlobalPool(), Dense()), 8, 10, 1
)
"""Without batch norms, whose statistics are those of one worker's images."""


def share(images: ImageSet, network: Architecture, **recipe: Any) -> SharedTraining:
    made = training(images, network, **recipe).recipe
    return SharedTraining(
        new_network(network, 0, CPU), network.resolution, images, made, seed=0, team=Team(CPU)
    )


def together(folder: Path, task: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What ``task`` returns in each of two processes that are a process group."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch._dynamo", "evaluators.trainer.shared_training", "sklearn.datasets"]
    )
    answers = context.SimpleQueue()
    processes = [
        context.Process(target=joined, args=(rank, str(folder / "meet"), answers, task, *arguments))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    found = dict(answers.get() for _ in processes)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return [found[0], found[1]]


def joined(rank: int, meet: str, answers: Any, task: Callable[..., Any], *arguments: Any) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meet}", rank=rank, world_size=2)
    try:
        answers.put((rank, task(*arguments)))
    except BaseException as error:
        answers.put((rank, error))
        raise
    finally:
        dist.destroy_process_group()


def led(one: SharedTraining, moves: int = 10**9) -> SharedTraining:
    """The training as the leader drives it and the other follows."""
    if one.team.leads:
        trained(one, moves)
        one.end()
    else:
        one.follow()
    return one


def numbers(weights: dict[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in weights.items()}


def plain_run() -> tuple[dict[str, Any], list[float]]:
    one = led(share(load("digits"), PLAIN_NET, batch_size=64, **PLAIN))
    return numbers(one.weights("raw")), [row.train_loss for row in one.rows]


def test_two_workers_take_the_steps_of_one_with_both_batches(digits: ImageSet, tmp_path: Path) -> None:
    alone = trained(training(digits, PLAIN_NET, batch_size=64, **PLAIN))
    (first, losses), (second, others) = together(tmp_path, plain_run)
    assert losses == others == pytest.approx([row.train_loss for row in alone.rows], rel=1e-4)
    for name, tensor in alone.weights("raw").items():
        assert (first[name] == second[name]).all()
        torch.testing.assert_close(torch.from_numpy(first[name]), tensor, rtol=1e-3, atol=1e-5)


def stopped_and_whole() -> tuple[bool, int, list[bool]]:
    """(whether a training that was stopped ends as one that was not, its averages, whether draws are its own)."""
    images = load("digits")
    whole = led(share(images, NET))
    first = led(share(images, NET), moves=7)
    state = first.state() if first.team.leads else None
    second = share(images, NET)
    if state is not None:
        second.restore(state)
    led(second)
    same = all(
        torch.equal(tensor, second.weights("raw")[name]) for name, tensor in whole.weights("raw").items()
    )
    rows = [replace(row, seconds=0.0, images_per_second=0.0) for row in whole.rows]
    same_rows = rows == [replace(row, seconds=0.0, images_per_second=0.0) for row in second.rows]
    draw, mine = FullTraining._generator(whole, "step", 0), whole._generator("step", 0)
    order = FullTraining._generator(whole, "order", 0).initial_seed()
    return (
        (same or not whole.team.leads) and same_rows,
        whole.average is not None,
        [draw.initial_seed() == mine.initial_seed(), order == whole._generator("order", 0).initial_seed()],
    )


def test_a_stored_state_goes_on_exactly(tmp_path: Path) -> None:
    leader, other = together(tmp_path, stopped_and_whole)
    assert leader == (True, True, [True, True])
    assert other == (True, False, [False, True])


def diverging() -> str:
    one = share(load("digits"), PLAIN_NET, learning_rate=1e30, batch_size=16, **PLAIN)
    if not one.team.leads:
        one.follow()
        return "followed"
    try:
        trained(one)
    except Diverged as error:
        one.end()
        return str(error)
    return "trained"


def test_a_divergence_ends_all(tmp_path: Path) -> None:
    leader, other = together(tmp_path, diverging)
    assert "the training loss became" in leader and other == "followed"


def alone() -> bool:
    ours, plain = led(share(load("digits"), NET)), trained(training(load("digits"), NET))
    return all(
        torch.equal(tensor, ours.weights("average")[name])
        for name, tensor in plain.weights("average").items()
    )


def test_parameters_without_a_part_in_the_output_stop_nothing(digits: ImageSet, tmp_path: Path) -> None:
    cell = Cell(("nor_conv_1x1", "nor_conv_1x1", "none", "skip_connect", "none", "nor_conv_1x1"))
    network = Architecture((Conv(8, 3, 2),), (Stage((cell,)),), (GlobalPool(), Dense()), 8, 10, 1)
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
    try:
        one = share(digits, network)
        before = one.weights("raw")["stages.0.0.e0.conv.weight"].clone()
        led(one, moves=3)
    finally:
        dist.destroy_process_group()
    assert torch.equal(one.weights("raw")["stages.0.0.e0.conv.weight"], before)


def test_a_team_of_one_is_the_training_itself(tmp_path: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
    try:
        assert alone()
    finally:
        dist.destroy_process_group()
