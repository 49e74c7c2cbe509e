"""Pools: where trials run. One protocol; in this process, in a thread, or on Ray."""
