"""A program that runs an exported file where nascale is not known: started by path, in a Python of its own.

    python -I -B outside.py RUNNER FILE IMAGES.npy RESULTS.npz THREADS REPEATS

It imports nothing of this project and makes sure that the file does not either. RESULTS holds ``probabilities``
(n, classes), ``label`` (n), and ``seconds``, how long one image took in each of REPEATS runs after a warm-up.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[[Any], tuple[Any, Any]]
"""Images as an array → (probabilities, label) as arrays."""

_BATCH = 64
_WARM_UP = 5


def torch_program(file: str, threads: int) -> Run:
    """A program of torch.export."""
    import torch

    torch.set_num_threads(threads)
    module = torch.export.load(file).module()

    def run(images: Any) -> tuple[Any, Any]:
        with torch.inference_mode():
            probabilities, label = module(torch.from_numpy(images))
        return probabilities.numpy(), label.numpy()

    return run


def onnx_graph(file: str, threads: int) -> Run:
    """A graph in onnxruntime, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(images: Any) -> tuple[Any, Any]:
        probabilities, label = session.run(["probabilities", "label"], {"images": images})
        return probabilities, label

    return run


def python_file(file: str, threads: int) -> Run:
    """A Python file with ``load`` and ``predict``, its weights beside it."""
    import importlib.util

    import torch

    torch.set_num_threads(threads)
    spec = importlib.util.spec_from_file_location("model", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["model"] = module  # a model of timm is registered under its module
    spec.loader.exec_module(module)
    network = module.load()

    def run(images: Any) -> tuple[Any, Any]:
        probabilities, label = module.predict(network, torch.from_numpy(images))
        return probabilities.numpy(), label.numpy()

    return run


RUNNERS: dict[str, Callable[[str, int], Run]] = {
    "torch": torch_program,
    "onnx": onnx_graph,
    "python": python_file,
}


def timed(run: Run, image: Any, repeats: int) -> list[float]:
    """Seconds of each of ``repeats`` runs of one image."""
    seconds = []
    for _ in range(_WARM_UP + repeats):
        started = time.perf_counter()
        run(image)
        seconds.append(time.perf_counter() - started)
    return seconds[_WARM_UP:]


def main(runner: str, file: str, images: str, results: str, threads: str, repeats: str) -> None:
    """Runs ``file`` on all images, then times it on the first."""
    for name in ("nascale", "search", "evaluators", "results", "space"):
        sys.modules[name] = None  # type: ignore[assignment]  # an import of it fails now
    run = RUNNERS[runner](file, int(threads))
    pixels = np.load(images)
    parts = [run(pixels[start : start + _BATCH]) for start in range(0, len(pixels), _BATCH)]
    np.savez(
        results,
        probabilities=np.concatenate([p for p, _ in parts]),
        label=np.concatenate([label for _, label in parts]),
        seconds=timed(run, pixels[:1], int(repeats)),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
