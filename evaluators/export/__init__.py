"""Trained networks as files that work without nascale, and the proof that they do what was measured."""
