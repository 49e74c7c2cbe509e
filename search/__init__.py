"""What to try next: the searchers, and the one loop that asks, measures, stores and tells."""
