"""A full training by several workers: Ray Train's TorchTrainer places them, starts them, and starts them anew.

The driver makes the run's folder, hands out the images and looks on. Everything else is in the folder, which all
workers must see: where a worker dies, Ray Train starts all of them again, and they go on from the checkpoint.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from evaluators.evaluator import StopFlag
from evaluators.images.image_set import ImageSet, carried
from evaluators.machine import cpus
from evaluators.pools import ray_cluster
from evaluators.pools.protocol import PoolSettings
from evaluators.pools.ray_session import as_a_driver, exported
from evaluators.trained.run_folder import LAST, TrainedRun, open_run
from evaluators.trainer.run_training import RunTraining
from evaluators.trainer.shared_training import SharedTraining
from evaluators.trainer.standing import Standing
from evaluators.trainer.team import Team
from evaluators.trainer.worker import Link, Work, work
from space.errors import InputError, NascaleError, RunError

RESTARTS = 5
"""How often workers that died are started again; after that the same command goes on."""
_LOOK_SECONDS = 0.25
_RAY_FOLDER = "ray"
_HEALTH = "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"


@dataclass(frozen=True, kw_only=True)
class Workers:
    """How many workers there are, the processors of each, whether each has a GPU, and on which Ray cluster they are.

    ``gpu=None`` takes GPUs where the cluster has one for each. ``ray_address=None`` starts a Ray on this machine, for
    as long as the training takes.
    """

    count: int
    threads: int
    gpu: bool | None
    ray_address: str | None = None

    def check(self) -> None:
        """Raises InputError for workers that would wait for ever, as far as that can be said before Ray is there.

        Also where Ray Train is not installed.
        """
        try:
            with as_a_driver():
                import ray.train  # noqa: F401
        except ImportError:
            wanted = "the package ray[train] (pip install 'nascale[distributed]')"
            raise InputError.of("workers", wanted, "none") from None
        if self.ray_address is not None:
            return
        there = cpus()
        if self.count * self.threads > there:
            came = f"{self.count} workers of {self.threads} each"
            raise InputError.of("workers", f"at most the {there} processors of this machine", came)
        if self.gpu and self.count > torch.cuda.device_count():
            wanted = f"at most the {torch.cuda.device_count()} GPUs of this machine (or --device cpu)"
            raise InputError.of("workers", wanted, self.count)


def train_together(
    run: TrainedRun,
    make: Callable[[ImageSet, Team], SharedTraining],
    images: ImageSet,
    workers: Workers,
    *,
    new: bool,
    checkpoint_seconds: float,
    json_lines: bool,
    stop: StopFlag,
    follow: Callable[[Standing], None],
) -> TrainedRun:
    """Trains in the folder of ``run``, which is made where it is ``new``, to the end; returns the finished run.

    ``make`` is called by every worker and gives its share of the training. Raises what ``RunTraining`` raises, and
    RunError where workers died more than ``RESTARTS`` times.
    """
    import ray

    folder = run.folder.absolute()
    with _ray(workers) as workers:
        if new:
            RunTraining(run).begin()
        with carried() if workers.ray_address is not None else nullcontext():
            handed_out = ray.put(images)
        link: Any = ray.remote(Link).options(num_cpus=0).remote()
        given = Work(
            make=make,
            folder=folder,
            images=handed_out,
            link=link,
            threads=workers.threads,
            checkpoint_seconds=checkpoint_seconds,
            json_lines=json_lines,
        )
        fit = _Fit(given, workers, folder / LAST / _RAY_FOLDER)
        asked = False
        while fit.is_alive():
            fit.join(_LOOK_SECONDS)
            if stop.is_set() and not asked:
                link.stop.remote()
                asked = True
            standing = ray.get(link.standing.remote())
            if standing is not None:
                follow(standing)
        fit.check()
    return open_run(run.folder)


def with_workers(task: Callable[[dict[str, Any]], Any], workers: Workers) -> Any:
    """What ``task`` returns in the first of the workers, each of which calls it in their common process group."""
    with _ray(workers) as placed, TemporaryDirectory() as folder:
        return _fitted(task, {}, placed, Path(folder))


def _fitted(
    task: Callable[[dict[str, Any]], Any], config: dict[str, Any], workers: Workers, folder: Path
) -> Any:
    """What ``task`` returns in the first worker; ``folder`` is for Ray Train, which is to leave nothing there."""
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.train.v2.api.config import FailureConfig, LoggingConfig, RunConfig, ScalingConfig

    trainer: Any = TorchTrainer  # its annotations are those of the first Ray Train
    return (
        trainer(
            task,
            train_loop_config=config,
            torch_config=TorchConfig(backend="nccl" if workers.gpu else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=workers.count,
                use_gpu=bool(workers.gpu),
                resources_per_worker={"CPU": workers.threads, **({"GPU": 1} if workers.gpu else {})},
            ),
            run_config=RunConfig(
                name="train",
                storage_path=str(folder),
                failure_config=FailureConfig(max_failures=RESTARTS, controller_failure_limit=RESTARTS),
                logging_config=LoggingConfig(log_level="ERROR"),
            ),
        )
        .fit()
        .return_value
    )


class _Fit(threading.Thread):
    """The training by Ray Train, in a thread of its own: in the main one Ray would take over Ctrl-C."""

    def __init__(self, given: Work, workers: Workers, folder: Path) -> None:
        super().__init__(daemon=True)
        self._given, self._workers, self._folder = given, workers, folder
        self._ended: BaseException | None = None
        self.start()

    def run(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)  # what a killed driver left
        try:
            self._ended = _fitted(work, {"work": self._given}, self._workers, self._folder)
        except BaseException as error:
            self._ended = error
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def check(self) -> None:
        """Raises why the training ended before its end. Ray's own errors become one line."""
        if self._ended is None:
            return
        if isinstance(self._ended, NascaleError):
            raise self._ended
        raise RunError(
            f"workers: Ray Train gave up; it starts them again {RESTARTS} times ({_cause(self._ended)})"
        ) from self._ended


def _cause(error: BaseException) -> str:
    """The last line of what the first worker said that failed, or of the error itself."""
    from ray.train import WorkerGroupError

    first = (
        next(iter(error.worker_failures.values()), error) if isinstance(error, WorkerGroupError) else error
    )
    lines = str(first).strip().splitlines()
    return lines[-1] if lines else repr(first)


def _placed(workers: Workers) -> Workers:
    """The workers on the Ray that is there. Raises InputError where its nodes have no room for so many."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if workers.gpu is None:
        workers = replace(workers, gpu=gpus >= workers.count)
    room = [int(node.get("CPU", 0) // workers.threads) for node in nodes]
    if workers.gpu:
        room = [min(places, int(node.get("GPU", 0))) for places, node in zip(room, nodes, strict=True)]
    if workers.count > sum(room):
        each = f"{workers.threads} processors{' and a GPU' if workers.gpu else ''} each"
        raise InputError.of(
            "workers", f"at most {sum(room)}: so many of {each} fit on Ray's nodes", workers.count
        )
    return workers


@contextmanager
def _ray(workers: Workers) -> Iterator[Workers]:
    """A Ray with room for the workers: the one that is there, or one that is joined or started for this training.

    Gives the workers, of which it is known then whether they have GPUs.
    """
    import ray

    settings = PoolSettings(
        workers=workers.count,
        cpus_per_trial=workers.threads,
        gpus_per_trial=float(workers.gpu is not False),
        ray_address=workers.ray_address,
    )
    logging.getLogger("ray.train").setLevel(logging.ERROR)
    session: ray_cluster.RaySession | None = None
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with exported({_HEALTH: os.environ.get(_HEALTH, "0.5")}):
            if not ray.is_initialized():
                session = ray_cluster.connect(settings)
                if threading.current_thread() is threading.main_thread():
                    for number, handler in handlers.items():
                        signal.signal(number, handler)  # Ray has put its own in their place
            yield _placed(workers)
    finally:
        if session is not None:
            session.close()
