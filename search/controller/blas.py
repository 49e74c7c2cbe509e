"""One BLAS thread for the controller's arithmetic."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[Any]:
    """Inside, numpy and scipy multiply in one thread.

    The controller's matrices are of some hundred rows: a second thread made a search of 200 trials take 3.9 s
    instead of 1.7 s on two cores, and how sums are split among threads must not enter a suggestion.
    """
    limited: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limited


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401  its BLAS has to be loaded before it can be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
