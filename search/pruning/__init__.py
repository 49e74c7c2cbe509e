"""Pruning rules: which trainings are stopped early, each rule in a file of its own."""
