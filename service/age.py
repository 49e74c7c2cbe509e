"""How old what the service tells may be: making it anew, whenever something has changed, takes a small share of a processor."""

from __future__ import annotations

SHARE = 100.0
LEAST_SECONDS, MOST_SECONDS = 0.5, 5.0


def allowed_seconds(took: float) -> float:
    """For how long what took so many seconds to make is told again: ``SHARE`` times that, within the bounds."""
    return min(MOST_SECONDS, max(LEAST_SECONDS, SHARE * took))
