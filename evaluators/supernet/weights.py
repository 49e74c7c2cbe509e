"""The shared weights: equal operations at the same place of two networks use the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from evaluators.network import Network, initialise, module, residual_norms
from evaluators.supernet.sliced import SLICED, Size, Weighted, place_of, resized, size_of
from space.architecture import Architecture
from space.lowering import lower
from space.operations import Operation

Weights = Mapping[str, NDArray[np.float32]]
"""Trained weights by place and parameter, as ``"stages.0.0.expand.conv 1x1 1.weight"``."""


class SharedWeights:
    """Builds networks whose weights are shared.

    A place is the path of an operation (``stages.1.0.expand.conv``) with its type. ``sizes`` are the largest
    numbers of channels by place: narrower operations use the first channels of those weights (``sliced``). An operation whose place
    is not among them, or that is larger than the size there, has weights of its own for each number of channels.

    Weights are made when a network first needs them: a copy of ``trained`` where it has them, otherwise
    initialised from (seed, place). They do not depend on the order in which networks are built.
    """

    def __init__(
        self,
        seed: int,
        device: torch.device,
        *,
        sizes: Mapping[str, Size] | None = None,
        zero_last_norm: bool = True,
        channels_last: bool = True,
        trained: Weights | None = None,
    ) -> None:
        self._seed, self.device = seed, device
        self._sizes = sizes or {}
        self._zero_last_norm = zero_last_norm
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self.trained = trained or {}
        self._modules: dict[tuple[str, Operation, bool, bool], nn.Module] = {}
        self._wholes: dict[str, nn.Module] = {}
        self.names: dict[nn.Parameter, str] = {}

    def network(self, architecture: Architecture) -> Network:
        """The network with the shared weights. Its batch normalisations use the statistics of each batch."""
        graph = lower(architecture)
        zeros = set(residual_norms(graph)) if self._zero_last_norm else set()

        def module_of(path: str, op: Operation, inplace: bool) -> nn.Module:
            key = (path, op, inplace, path in zeros)
            if key not in self._modules:
                if isinstance(op, Weighted):
                    self._modules[key] = self._sliced(path, op, path in zeros)
                elif op.params:
                    self._modules[key] = self._equal(path, op)
                else:
                    self._modules[key] = module(op, inplace)
            return self._modules[key]

        return Network(graph, auxiliaries=True, module_of=module_of)

    def untrained(self, network: Network) -> float:
        """The share of a network's weights that are not trained, counted at the full width of their places."""
        sizes = [(p.numel(), self.names[p] in self.trained) for p in network.parameters()]
        return sum(n for n, trained in sizes if not trained) / max(1, sum(n for n, _ in sizes))

    def _sliced(self, path: str, op: Weighted, zero: bool) -> nn.Module:
        """The module of an operation, which uses a part of its place's weights."""
        place = place_of(path, op, zero)
        size = self._sizes.get(place)
        if size is None or any(ours > most for ours, most in zip(size_of(op), size, strict=True)):
            size = size_of(op)
            place += f" {'x'.join(map(str, size))}"
        if place not in self._wholes:
            self._wholes[place] = self._whole(place, resized(op, size), zero)
        with torch.device("meta"):
            sliced = module(op, layers=SLICED)
        for name, parameter in self._wholes[place].named_parameters():
            setattr(sliced, name, parameter)
        return sliced

    def _equal(self, path: str, op: Operation) -> nn.Module:
        """The module of an operation that cannot use a part of larger weights: only equal ones share it."""
        place = f"{path} {op!r}"
        if place not in self._wholes:
            self._wholes[place] = self._whole(place, op, False)
        return self._wholes[place]

    def _whole(self, place: str, op: Operation, zero: bool) -> nn.Module:
        """The module that holds all weights of a place."""
        # On "meta", torch does not initialise: that would draw from the generator that dropout uses.
        with torch.device("meta"):
            whole = module(op)
        whole = whole.to_empty(device="cpu")
        digest = blake2b(f"{self._seed}:{place}".encode(), digest_size=8).digest()
        with torch.no_grad():
            initialise(whole, torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1))
            for name, parameter in whole.named_parameters():
                if zero and name == "weight":
                    parameter.zero_()
                known = self.trained.get(f"{place}.{name}")
                if known is not None:
                    parameter.copy_(torch.from_numpy(np.array(known)))
        whole.to(self.device, memory_format=self._format)  # type: ignore[call-overload]
        self.names |= {p: f"{place}.{name}" for name, p in whole.named_parameters()}
        return whole
