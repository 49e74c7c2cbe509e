"""Whether every format gives the network's own logits: on the known networks, and on random ones of each space.

    python -m bench.export_agreement [--networks zoo,mixed,…] [--random 30] [--formats python,…] [--images 64] [--classes 10]

The weights are drawn, and so are the statistics of the normalisations. Known networks have the smallest of some
resolutions that they work at. A network fails where a class differs or the logits differ by more than 1e-4 of the
largest; networks that fail are named, and the exit status is 1. Where ruff is installed, the Python files are
checked by it.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from evaluators.export.certificate import TOLERANCE
from evaluators.export.python_source import source_of
from evaluators.network import Network, build
from evaluators.trained.run_folder import Preprocessing
from space import zoo
from space.architecture import Architecture
from space.errors import ShapeError
from space.spaces import SPACES, space

Logits = Callable[[Tensor], Tensor]
Format = Callable[[Architecture, Network, Path], Logits]
"""(architecture, trained network, a folder to write into) → what gives the format's logits of prepared images."""

_RESOLUTIONS = (32, 64, 96, 128, 160, 224, 299)


def python_file(architecture: Architecture, network: Network, folder: Path) -> Logits:
    """The file of plain PyTorch, written and run."""
    channels = architecture.in_channels
    before = Preprocessing(resolution=architecture.resolution, mean=(0.5,) * channels, std=(0.25,) * channels)
    source = source_of(architecture, before, tuple(map(str, range(architecture.classes))))
    path = folder / f"{architecture.label.partition('@')[0]}.py"
    path.write_text(source.text, encoding="utf-8")
    module = ModuleType("model")
    module.__file__ = str(path)
    exec(compile(source.text, path, "exec"), vars(module))
    made: nn.Module = module.Network().eval()
    made.load_state_dict({source.names[name]: value for name, value in network.state_dict().items()})
    return made


FORMATS: dict[str, Format] = {"python": python_file}


def networks(name: str, count: int, classes: int) -> Iterator[Architecture]:
    """The known networks for ``zoo``, otherwise ``count`` random ones of the space ``name``."""
    if name != "zoo":
        chosen, rng = space(name, classes=classes), random.Random(0)
        for index in range(count):
            yield chosen.decode(chosen.sample(rng)).replace(name=f"{name}_{index}")
        return
    for known in zoo.ZOO.values():
        for resolution in _RESOLUTIONS:
            try:
                yield known(resolution=resolution, classes=classes)
            except ShapeError:
                continue
            break


def trained(architecture: Architecture) -> Network:
    """The network in evaluation mode, with normalisations that have seen something."""
    network = build(architecture, seed=0)
    generator = torch.Generator().manual_seed(1)
    for child in network.modules():
        if isinstance(child, nn.BatchNorm2d):
            assert child.running_mean is not None and child.running_var is not None
            child.running_mean.normal_(0.0, 0.1, generator=generator)
            child.running_var.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


@torch.no_grad()
def difference(wanted: Tensor, came: Tensor) -> tuple[float, bool]:
    """(the largest difference as a share of the largest logit, whether all classes are the same)."""
    share = (wanted - came).abs().max() / wanted.abs().max()
    return float(share), bool((wanted.argmax(1) == came.argmax(1)).all())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(["zoo", *SPACES]))
    parser.add_argument("--random", type=int, default=30)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--classes", type=int, default=10)
    options = parser.parse_args(arguments)
    failed = []
    with tempfile.TemporaryDirectory() as place, torch.no_grad():
        folder = Path(place)
        for group in options.networks.split(","):
            worst, count = 0.0, 0
            for architecture in networks(group, options.random, options.classes):
                count += 1
                network = trained(architecture)
                size = architecture.resolution
                generator = torch.Generator().manual_seed(2)
                x = torch.randn(options.images, architecture.in_channels, size, size, generator=generator)
                wanted = network(x)
                for name in options.formats.split(","):
                    share, same = difference(wanted, FORMATS[name](architecture, network, folder)(x))
                    worst = max(worst, share)
                    if not same or not share <= TOLERANCE:
                        failed.append(f"{name} of {architecture.label}: {share:.1e}")
                        print(failed[-1])
            print(f"{group}: {count} networks, logits differ by at most {worst:.1e}", flush=True)
        if "python" in options.formats.split(",") and find_spec("ruff") is not None:
            command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "100"]
            failed += ["ruff"] * bool(
                subprocess.run([*command, "--extend-select", "I,E501", place]).returncode
            )
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
