"""What is exported: a trained network, what it takes, and the images that formats are made and compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evaluators.images.image_set import ImageSet
from evaluators.trained.run_folder import TrainedRun
from space.cost import costs

if TYPE_CHECKING:
    from torch.export import ExportedProgram

    from evaluators.export.deployed import Deployed
    from evaluators.export.python_source.source import PythonSource
    from evaluators.network import Network


@dataclass(frozen=True, eq=False)
class Subject:
    """A run's network on its way out. ``takes`` is one of ``deployed.INPUTS``; the images are the run's own."""

    run: TrainedRun
    images: ImageSet
    takes: str = "uint8"

    @cached_property
    def network(self) -> Network:
        """The trained network, in evaluation mode."""
        return self.run.network().requires_grad_(False)

    @cached_property
    def deployed(self) -> Deployed:
        """The network behind its preprocessing, in evaluation mode."""
        from evaluators.export.deployed import Deployed

        return Deployed(self.network, self.run.preprocessing, self.takes).eval()

    @property
    def free(self) -> tuple[str, ...]:
        """The names of the sides of the input that are open."""
        from evaluators.export.program import FREE

        return FREE if self.takes == "uint8" else FREE[:1]

    @cached_property
    def program(self) -> ExportedProgram:
        """The deployed network as a graph, made once for all formats; batch and size of the photos are free."""
        from evaluators.export.program import program_of

        return program_of(self.deployed, self.deployed.example(), self.free)

    @cached_property
    def source(self) -> PythonSource:
        """The network as a file of plain PyTorch, and the names that the weights have in it."""
        from evaluators.export.python_source.source import source_of

        return source_of(self.run.architecture, self.run.preprocessing, self.run.classes)

    @cached_property
    def metadata(self) -> dict[str, str]:
        """What goes into the file itself: classes, preprocessing, costs, each as text or JSON."""
        before = self.run.preprocessing
        takes = {
            "uint8": "uint8 (batch, height, width, channels), any size, values 0 to 255",
            "float": "float32 (batch, channels, resolution, resolution), preprocessed as said here",
        }[self.takes]
        preprocessing = {
            "inside": self.takes == "uint8",
            "crop": "largest centred square",
            "resize": "bilinear, antialiased",
            "resolution": before.resolution,
            "channels": before.channels,
            "scale": "0 to 1",
            "mean": list(before.mean),
            "std": list(before.std),
        }
        network = self.run.architecture.live()
        cost = {
            k: v
            for k, v in asdict(costs(network)).items()
            if k in ("params", "macs", "flops", "activation_bytes")
        }
        return {
            "name": self.run.name,
            "key": network.key,
            "input": takes,
            "outputs": "probabilities: float32 (batch, classes); label: int64 (batch)",
            "classes": json.dumps(list(self.run.classes), ensure_ascii=False),
            "preprocessing": json.dumps(preprocessing),
            "costs": json.dumps(cost),
        }

    @cached_property
    def photos(self) -> NDArray[np.int64]:
        """The images on which formats are compared: the test split, or the validation split where there is none."""
        return self.images.test if len(self.images.test) else self.images.validation

    def pixels(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """These images as stored, uint8 (n, height, width, channels)."""
        return np.ascontiguousarray(self.images.images[indices])

    def inputs(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """What the deployed network takes of these images: bytes as stored, or tensors."""
        import torch

        pixels = self.pixels(indices)
        if self.takes == "uint8":
            return pixels
        with torch.no_grad():
            return self.deployed.prepared(torch.from_numpy(pixels)).numpy()


def spread(indices: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most ``count`` of ``indices``, evenly over their order."""
    if len(indices) <= count:
        return indices
    return indices[np.linspace(0, len(indices) - 1, count).round().astype(np.int64)]


def described(metadata: Mapping[str, str]) -> dict[str, Any]:
    """``Subject.metadata`` read back."""
    parsed = ("classes", "preprocessing", "costs")
    return {name: json.loads(text) if name in parsed else text for name, text in metadata.items()}
