"""What is free is given back, where the C library can."""

from __future__ import annotations

import sys

import pytest

from tests.processes import python

LEFT = """
import psutil
from concurrent.futures import ThreadPoolExecutor
from service import memory
if {prepared}: memory.prepare()
resident = psutil.Process().memory_info
with ThreadPoolExecutor(4) as threads:
    before = resident().rss
    blocks = [list(threads.map(lambda number: bytearray(20_000), range(1000))) for _ in range(4)]
    kept = [one[::50] for one in blocks]
    most = resident().rss
    del blocks
    if {prepared}: memory.give_back()
    print((resident().rss - before) / (most - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told")
def test_what_threads_let_go_of_goes_back_although_some_of_it_is_kept() -> None:
    left = {
        prepared: float(python("-c", LEFT.format(prepared=prepared)).stdout) for prepared in (False, True)
    }
    assert left[True] < 0.5 < left[False]
