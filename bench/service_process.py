"""What the process of a service takes, without its jobs."""

from __future__ import annotations

import psutil

from tests.service.api.serving import Serving


def processor_seconds(served: Serving) -> float:
    """Seconds of a processor, so far."""
    used = _process(served).cpu_times()
    return float(used.user + used.system)


def megabytes(served: Serving) -> float:
    """Memory now (resident)."""
    return float(_process(served).memory_info().rss) / 1e6


def _process(served: Serving) -> psutil.Process:
    assert served.process is not None
    return psutil.Process(served.process.pid)
