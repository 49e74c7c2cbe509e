"""The folder of a training: the one place that knows its files.

    run.json           what was trained on what, how far it is, what was measured (a document, see ``TrainedRun``)
    metrics.csv        one row for each epoch
    best.safetensors   the weights that are kept of all epochs (see ``FullRecipe.keep``)
    last/              the checkpoint from which a stopped training goes on

Reading needs no torch until the network is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.full_recipe import HIGHEST
from results.files import replacing, write_json
from space.architecture import Architecture
from space.codec import from_dict, to_dict
from space.errors import InputError

if TYPE_CHECKING:
    import torch

    from evaluators.images.image_set import ImageSet
    from evaluators.network import Network

RUN, METRICS, BEST, LAST, EXPORT = "run.json", "metrics.csv", "best.safetensors", "last", "export"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What happens to an image before the network sees it.

    The largest centred square is resized to ``resolution`` × ``resolution`` pixels (bilinear, antialiased where that
    makes it smaller); of each channel, on a scale of 0 to 1, ``mean`` is subtracted and the rest divided by ``std``.
    """

    resolution: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        return len(self.mean)


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A training and its folder, as ``run.json`` has them.

    ``data`` is what ``evaluators.data.load`` takes (``text`` and its keywords), ``described`` what ``ImageSet.describe``
    said of the set; ``spec`` are all settings of the training. ``metrics`` are the figures of the kept weights, on the
    validation images; ``tests`` are the looks at the test images, in order. ``finished`` says whether the training
    has come to its end. ``ends`` are the (step, total) with which its end was moved, where it was given a time.
    """

    folder: Path
    architecture: Architecture
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    spec: Mapping[str, Any]
    data: Mapping[str, Any]
    described: Mapping[str, Any]
    provenance: Mapping[str, Any]
    finished: bool = False
    metrics: Mapping[str, Any] | None = None
    tests: tuple[Mapping[str, Any], ...] = ()
    ends: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        """What to call the network: its own name, else the folder's."""
        return self.architecture.name or self.folder.resolve().name

    @property
    def side(self) -> int:
        """Pixels to which pictures are decoded: the short side of the training images as they are stored."""
        height, width, _ = self.described["shape"]
        return int(min(height, width))

    def write(self, argument: str = "--out", /, **changes: Any) -> TrainedRun:
        """The run with some fields changed; ``run.json`` is replaced in one step. Raises InputError (``argument``)."""
        run = replace(self, **changes)
        write_json(run.folder / RUN, run.to_json(), argument)
        return run

    def to_json(self) -> dict[str, Any]:
        """The document that ``run.json`` holds."""
        return {
            "format": FORMAT,
            "architecture": to_dict(self.architecture),
            "classes": list(self.classes),
            "preprocessing": {
                "resolution": self.preprocessing.resolution,
                "mean": list(self.preprocessing.mean),
                "std": list(self.preprocessing.std),
            },
            "spec": dict(self.spec),
            "data": dict(self.data),
            "described": dict(self.described),
            "provenance": dict(self.provenance),
            "finished": self.finished,
            "metrics": None if self.metrics is None else dict(self.metrics),
            "tests": [dict(test) for test in self.tests],
            **({"ends": [list(end) for end in self.ends]} if self.ends else {}),
        }

    @classmethod
    def of_json(cls, folder: Path, document: Mapping[str, Any]) -> TrainedRun:
        """What ``to_json`` wrote. Raises KeyError, TypeError, ValueError or InputError for anything else."""
        before = document["preprocessing"]
        return cls(
            folder=folder,
            architecture=from_dict(document["architecture"]),
            classes=tuple(document["classes"]),
            preprocessing=Preprocessing(
                resolution=int(before["resolution"]), mean=tuple(before["mean"]), std=tuple(before["std"])
            ),
            spec={"keep": HIGHEST, **document["spec"]},  # earlier versions had no choice
            data=document["data"],
            described=document["described"],
            provenance=document["provenance"],
            finished=bool(document["finished"]),
            metrics=document["metrics"],
            tests=tuple(document["tests"]),
            ends=tuple((int(step), int(total)) for step, total in document.get("ends", ())),
        )

    def network(self, device: str | torch.device = "cpu") -> Network:
        """The network with its kept weights, in evaluation mode, without operations that have no part in its output.

        Raises InputError for weights that cannot be read.
        """
        from evaluators.network import build

        network = build(self.architecture, device=device)
        network.load_state_dict(self.weights(), strict=True)
        live = self.architecture.live()
        if live is not self.architecture:
            weights, network = network.state_dict(), build(live, device=device)
            network.load_state_dict({name: weights[name] for name in network.state_dict()})
        return network.eval()

    def weights(self) -> dict[str, torch.Tensor]:
        """The kept weights by name. Raises InputError where the file is missing or cannot be read."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self.folder / BEST
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            wanted = "a run with the weights of at least one epoch"
            raise InputError.of("RUN", wanted, f"{path} ({' '.join(str(error).split())})") from None

    def weights_checksum(self) -> str:
        """SHA-256 of the file of the kept weights. Raises InputError where it cannot be read."""
        path = self.folder / BEST
        try:
            with path.open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        except OSError as error:
            wanted = "a run with the weights of at least one epoch"
            raise InputError.of("RUN", wanted, f"{path} ({error.strerror})") from None

    def images(self, data: str | None = None) -> ImageSet:
        """The images that the run was trained on; ``data`` is another place of the same ones.

        Raises InputError for other data than the run's.
        """
        from evaluators.data import load

        keywords = {name: value for name, value in self.data.items() if name != "text"}
        images = load(data or str(self.data["text"]), **keywords)
        found = images.describe()
        for name, what in (("checksum", "images"), ("split", "splits")):
            came, wanted = found[name], self.described[name]
            if isinstance(came, Mapping):
                came, wanted = came["checksum"], wanted["checksum"]
            if came != wanted:
                text = f"the {what} that {self.folder} was trained on (checksum {wanted})"
                raise InputError.of("data", text, f"{images.name} (checksum {came})")
        return images


def open_run(path: str | Path) -> TrainedRun:
    """The run in the folder ``path``. Raises InputError (RUN) where there is none, or none that can be read."""
    folder = Path(path)
    file = folder / RUN
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        wanted = f"a folder that nascale train made (with {RUN})"
        raise InputError.of("RUN", wanted, f"{path} ({error.strerror})") from None
    except ValueError as error:
        raise InputError.of("RUN", f"a {RUN} that is whole", f"{file} ({error})") from None
    try:
        if document["format"] != FORMAT:
            raise InputError.of("RUN", f"a run of format {FORMAT}", document["format"])
        return TrainedRun.of_json(folder, document)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.of("RUN", f"a {RUN} that nascale train wrote", f"{file} ({error!r})") from None


def save_weights(path: Path, weights: Mapping[str, torch.Tensor], argument: str = "--out") -> None:
    """Writes tensors by name as a safetensors file, whole or not at all. Raises InputError naming ``argument``."""
    from safetensors.torch import save_file

    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with replacing(path, argument) as temporary:
        save_file(whole, temporary)
