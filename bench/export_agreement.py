"""Whether every format gives the network's own logits: on the known networks, and on random ones of each space.

    python -m bench.export_agreement [--networks zoo,mixed,…] [--random 30] [--formats python,torch,onnx,timm]
                                     [--images 64] [--classes 10] [--out FILE.csv]

The weights are drawn, and so are the statistics of the normalisations. Known networks have the smallest of some
resolutions that they work at. Photos go in as bytes, a little larger than the network's images and not square, so that
the preprocessing in the files is compared too. A network fails where a class differs or the logits differ by more than
1e-4 of the largest; networks that fail are named, and the exit status is 1. Where ruff is installed, the Python files
are checked by it.

With ``--out`` each network's row is written as soon as it is measured, and what the file holds already is not measured
again: a stopped run goes on with the same command. Networks that timm does not build have no row of ``timm``. The graphs of ``torch`` and ``onnx`` take 5 to 60 s a network.
"""

from __future__ import annotations

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.export import ExportedProgram

from evaluators.export.certificate import TOLERANCE
from evaluators.export.deployed import Deployed
from evaluators.export.program import FREE, program_of
from evaluators.export.python_source import source_of
from evaluators.export.timm_source import timm_source_of
from evaluators.images.preparing import prepared
from evaluators.network import Network, build
from evaluators.trained.run_folder import Preprocessing
from space import zoo
from space.architecture import Architecture
from space.errors import InputError, ShapeError
from space.spaces import SPACES, space

_RESOLUTIONS = (32, 64, 96, 128, 160, 224, 299)
_BATCH = 16
_COLUMNS = ("group", "network", "format", "difference", "same_classes", "seconds", "error")
Logits = Callable[[Tensor], Tensor]
"""Photos, uint8 (n, height, width, channels) → logits (n, classes)."""


class Case:
    """A network with drawn weights, and what its formats are made of."""

    def __init__(self, architecture: Architecture, folder: Path) -> None:
        channels = architecture.in_channels
        self.architecture, self.folder = architecture, folder
        self.network = trained(architecture)
        self.before = Preprocessing(
            resolution=architecture.resolution, mean=(0.5,) * channels, std=(0.25,) * channels
        )
        self._program: ExportedProgram | None = None

    def wanted(self, photos: Tensor) -> Tensor:
        """The network's own logits, of photos as a training sees them."""
        before = self.before
        return self.network(prepared(photos, before.resolution, before.mean, before.std))  # type: ignore[no-any-return]

    @property
    def program(self) -> ExportedProgram:
        """The graph that a .pt2 file holds, up to the logits."""
        if self._program is None:
            deployed = Deployed(self.network, self.before)
            self._program = program_of(UpToLogits(deployed).eval(), deployed.example(), FREE)
        return self._program


class UpToLogits(nn.Module):
    """A deployed network without its last step: probabilities of drawn weights would hide small differences."""

    def __init__(self, deployed: Deployed) -> None:
        super().__init__()
        self.deployed = deployed

    def forward(self, images: Tensor) -> Tensor:
        return self.deployed.network(self.deployed.prepared(images))  # type: ignore[no-any-return]


def python_file(case: Case) -> Logits:
    """The file of plain PyTorch, written and run."""
    source = source_of(case.architecture, case.before, tuple(map(str, range(case.architecture.classes))))
    path = case.folder / f"{case.architecture.label.partition('@')[0]}.py"
    path.write_text(source.text, encoding="utf-8")
    module = ModuleType("model")
    module.__file__ = str(path)
    exec(compile(source.text, path, "exec"), vars(module))
    made: nn.Module = module.Network().eval()
    # The file leaves out operations of a cell that reach no output; what it does hold must be there.
    weights = case.network.state_dict()
    made.load_state_dict({theirs: weights[name] for name, theirs in source.names.items()})
    return lambda photos: made(module.preprocess(photos))


def torch_program(case: Case) -> Logits:
    """The .pt2 file, written and read."""
    path = case.folder / "model.pt2"
    torch.export.save(case.program, path)
    return torch.export.load(path).module()


def onnx_graph(case: Case) -> Logits:
    """The ONNX graph in onnxruntime."""
    import onnxruntime

    from evaluators.export.formats.onnx_graph import graph_of

    content = graph_of(case.program, FREE, ["logits"]).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda photos: torch.from_numpy(session.run(None, {"images": photos.numpy()})[0])


def timm_model(case: Case) -> Logits:
    """The model of timm, which must be installed. Raises InputError for a network that timm does not build."""
    classes = tuple(map(str, range(case.architecture.classes)))
    source = timm_source_of(case.architecture, classes, case.before)
    path = case.folder / f"{source.model}.py"
    path.write_text(source.text, encoding="utf-8")
    module = sys.modules[source.model] = ModuleType(source.model)
    module.__file__ = str(path)
    exec(compile(source.text, path, "exec"), vars(module))
    save_file(source.weights(case.network.state_dict()), module.WEIGHTS)
    made: nn.Module = module.load()
    return lambda photos: made(module.preprocess(photos))


FORMATS: dict[str, Callable[[Case], Logits]] = {
    "python": python_file,
    "torch": torch_program,
    "onnx": onnx_graph,
    "timm": timm_model,
}


def networks(name: str, count: int, classes: int) -> Iterator[Architecture]:
    """All known networks for ``zoo``, one for its name, otherwise ``count`` random ones of the space ``name``."""
    if name in SPACES:
        chosen, rng = space(name, classes=classes, bounds={"macs": 20e6}), random.Random(0)
        for index in range(count):
            yield chosen.decode(chosen.sample(rng)).replace(name=f"{name}_{index}")
        return
    for known in zoo.ZOO.values() if name == "zoo" else [zoo.ZOO[name]]:
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
    return network.eval().requires_grad_(False)


def difference(wanted: Tensor, came: Tensor) -> tuple[float, bool]:
    """(the largest difference as a share of the largest logit, whether all classes are the same)."""
    share = (wanted - came).abs().max() / wanted.abs().max()
    return float(share), bool((wanted.argmax(1) == came.argmax(1)).all())


def measured(
    architecture: Architecture, formats: Sequence[str], images: int, folder: Path
) -> Iterator[dict[str, Any]]:
    """One row for each format of a network."""
    case = Case(architecture, folder)
    size = architecture.resolution
    generator = torch.Generator().manual_seed(2)
    shape = (images, size + 3, size + 9, architecture.in_channels)
    photos = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).split(_BATCH)
    with torch.no_grad():
        wanted = torch.cat([case.wanted(part) for part in photos])
        for name in formats:
            started = time.perf_counter()
            row: dict[str, Any] = {"network": architecture.label, "format": name}
            try:
                logits = FORMATS[name](case)
                came = torch.cat([logits(part) for part in photos])
                row["difference"], row["same_classes"] = difference(wanted, came)
            except InputError:  # the format is not for such networks
                continue
            except Exception as error:  # a format that cannot be made is a result of its own
                row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
            yield {**row, "seconds": round(time.perf_counter() - started, 1)}


def fails(row: Mapping[str, Any]) -> bool:
    """Whether a row says that the format is not the network."""
    return (
        bool(row.get("error"))
        or str(row["same_classes"]) != "True"
        or not float(row["difference"]) <= TOLERANCE
    )


class Rows:
    """The rows of all networks; with a file, those that it holds and, at its end, each new one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: list[dict[str, Any]] = []
        if path is not None and path.exists():
            with path.open(newline="") as file:
                self.found = list(csv.DictReader(file))

    def missing(self, group: str, network: str, formats: Sequence[str]) -> list[str]:
        """The formats that were not measured of a network."""
        there = {row["format"] for row in self.found if (row["group"], row["network"]) == (group, network)}
        return [name for name in formats if name not in there]

    def add(self, row: dict[str, Any]) -> None:
        """Takes a row, and writes it."""
        self.found.append(row)
        if self.path is not None:
            new = not self.path.exists()
            with self.path.open("a", newline="") as file:
                writer = csv.DictWriter(file, _COLUMNS)
                if new:
                    writer.writeheader()
                writer.writerow(row)

    def summary(self) -> Iterator[str]:
        """A line for each group and format, then one for each row that fails."""
        for group, name in dict.fromkeys((row["group"], row["format"]) for row in self.found):
            rows = [row for row in self.found if (row["group"], row["format"]) == (group, name)]
            worst = max(
                (float(row["difference"]) for row in rows if row.get("difference") not in (None, "")),
                default=0.0,
            )
            yield f"{group}: {len(rows)} networks as {name}, logits differ by at most {worst:.1e}"
        for row in filter(fails, self.found):
            yield f"fails: {row['network']} as {row['format']}: {row.get('error') or row['difference']}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures what is missing, and says what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(["zoo", *SPACES]))
    parser.add_argument("--random", type=int, default=30)
    parser.add_argument("--formats", default="python", help=f"of {','.join(FORMATS)}")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    formats, rows = options.formats.split(","), Rows(options.out)
    with tempfile.TemporaryDirectory() as place:
        for group in options.networks.split(","):
            for architecture in networks(group, options.random, options.classes):
                missing = rows.missing(group, architecture.label, formats)
                for row in measured(architecture, missing, options.images, Path(place)) if missing else ():
                    rows.add({"group": group, **row})
                    if fails(row):
                        print(f"fails: {row}", flush=True)
        unclean = bool(list(Path(place).glob("*.py"))) and not ruff_clean(place)
    for line in rows.summary():
        print(line)
    if unclean or any(map(fails, rows.found)):
        sys.exit(1)


def ruff_clean(place: str) -> bool:
    """Whether ruff has nothing to say of the Python files in a folder; True where it is not installed."""
    if find_spec("ruff") is None:
        return True
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "100"]
    return not subprocess.run([*command, "--extend-select", "I,E501", place]).returncode


if __name__ == "__main__":
    main()
