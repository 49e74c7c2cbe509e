"""A Gaussian process over the decisions of a space: its features, kernel, fit and acquisition functions."""
