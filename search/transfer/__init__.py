"""Transfer: what other studies of the same space found, as the beginning of a search."""
