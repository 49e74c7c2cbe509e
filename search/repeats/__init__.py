"""Measuring again: which trials of a search measure its best networks again, and which networks those are."""
