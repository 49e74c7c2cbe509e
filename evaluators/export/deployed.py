"""The network as it is handed out: photos in, probabilities out, with the preprocessing inside the graph.

The largest centred square of a photo is resized by two matrix products, one for each axis. Their matrices are made in
the graph from the photo's height and width: row i holds the weights with which the pixels of the photo make pixel i of
the result. These are the weights of a bilinear filter with antialiasing, as ``torch.nn.functional.interpolate`` has it;
where it enlarges, antialiasing changes nothing. Pixels outside the square have weight 0, so no cutting is needed. All
of it are operations that every format has, and they give the same numbers in each.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from evaluators.images.preparing import SMALLEST_STD
from evaluators.trained.run_folder import Preprocessing

INPUTS = ("uint8", "float")
"""What a deployed network may take: photos as bytes of any size, or tensors that are preprocessed already."""


class Deployed(nn.Module):
    """A network behind its preprocessing.

    Takes uint8 (batch, height, width, channels) of any size and returns ``probabilities``, float32 (batch, classes),
    and ``label``, int64 (batch): the index of the largest. With ``takes="float"`` it takes float32 (batch, channels,
    resolution, resolution), preprocessed already, instead.
    """

    mean: Tensor
    std: Tensor
    centres: Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, takes: str = "uint8") -> None:
        super().__init__()
        assert takes in INPUTS, takes
        self.network = network
        self.takes = takes
        self.preprocessing = preprocessing
        self.register_buffer("mean", torch.tensor(preprocessing.mean)[:, None, None] * 255)
        self.register_buffer(
            "std", torch.tensor(preprocessing.std)[:, None, None].clamp_min(SMALLEST_STD) * 255
        )
        self.register_buffer("centres", torch.arange(preprocessing.resolution) + 0.5)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x = self.prepared(images) if self.takes == "uint8" else images
        probabilities = self.network(x).softmax(1)
        return probabilities, probabilities.argmax(1)

    def prepared(self, images: Tensor) -> Tensor:
        """What the network sees of photos: uint8 (n, height, width, channels) → float32 (n, channels, R, R)."""
        height, width = images.shape[1], images.shape[2]
        side = torch.sym_min(height, width)  # type: ignore[no-untyped-call]
        x = images.permute(0, 3, 1, 2).float()
        x = self._weights(height, side) @ x @ self._weights(width, side).T
        return (x - self.mean) / self.std

    def _weights(self, extent: int, side: int) -> Tensor:
        """The matrix (R, extent) that resizes the middle ``side`` of ``extent`` pixels to R pixels."""
        pixels = torch.arange(extent, device=self.centres.device) + 0.5 - (extent - side) // 2
        step = torch.full((), side, device=self.centres.device) / self.preprocessing.resolution
        distance = (pixels[None] - (self.centres * step)[:, None]).abs()
        weights = (1 - distance / step.clamp_min(1)).clamp_min(0)
        weights = weights * ((pixels > 0) & (pixels < side))
        return weights / weights.sum(1, keepdim=True)

    def example(self, batch: int = 2) -> Tensor:
        """An input of the right shape and type, all zero."""
        before = self.preprocessing
        size = before.resolution
        if self.takes == "float":
            return torch.zeros(batch, before.channels, size, size)
        # Sides that differ from each other and from the resolution: none of them is a constant of the graph.
        return torch.zeros(batch, size + 5, size + 8, before.channels, dtype=torch.uint8)
