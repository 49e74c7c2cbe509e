"""What to try next: the samplers, and the one loop that asks, measures, stores and tells."""
