"""The workers that train one network together: whose part of a batch is whose, and what they tell each other.

Each worker has the whole network and a part of every batch. DistributedDataParallel averages their gradients. One of
them leads: it decides what comes next and tells the others, over a connection of its own that waits for no GPU.
"""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from evaluators.network import Network

_LONGEST_WAIT = timedelta(days=1)
"""For the next order: judging a large split takes its time. A worker that dies is noticed at once all the same."""


class Order(IntEnum):
    """What the leader tells the others to do."""

    END = 0
    STEP = 1
    CLOSE_EPOCH = 2
    RESTORE = 3


class Team:
    """The processes of torch's default process group, which is there, as one of them, on ``device``, sees them."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._orders = dist.new_group(backend="gloo", timeout=_LONGEST_WAIT)

    @property
    def leads(self) -> bool:
        """Whether this worker decides."""
        return self.rank == 0

    def part(self, positions: Tensor) -> Tensor:
        """This worker's part of a batch, of equal size for all."""
        each = len(positions) // self.size
        return positions[self.rank * each : (self.rank + 1) * each]

    def with_common_statistics(self, network: Network) -> Network:
        """The network with batch norms over the images of all workers; on CPUs, for which torch has none, as it was."""
        if self.device.type != "cuda":
            return network
        converted: Network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted

    def averaging(self, network: nn.Module, idle: bool = False) -> nn.Module:
        """The network with gradients that are averaged over the workers; all of them ask for it at once.

        ``idle`` says that some parameters have no gradient.

        Running statistics are not sent around: only the leader's are judged and stored.
        """
        ids = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(
            network,
            device_ids=ids,
            forward_sync_buffers=False,
            gradient_as_bucket_view=True,
            find_unused_parameters=idle,
        )

    def mean(self, value: Tensor) -> Tensor:
        """The mean of the workers' values; all of them ask for it at once."""
        total = value.clone()
        dist.all_reduce(total)
        return total / self.size

    def tell(self, order: Order, what: Any = None) -> None:
        """Tells the others what comes next (leader)."""
        dist.broadcast(torch.tensor([order, what is not None]), 0, group=self._orders)
        if what is not None:
            dist.broadcast_object_list([what], 0, group=self._orders)

    def hear(self) -> tuple[Order, Any]:
        """What the leader told (others)."""
        told = torch.zeros(2, dtype=torch.int64)
        dist.broadcast(told, 0, group=self._orders)
        what = [None]
        if told[1]:
            dist.broadcast_object_list(what, 0, group=self._orders)
        return Order(int(told[0])), what[0]
