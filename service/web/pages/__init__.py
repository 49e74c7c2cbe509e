"""A module for each group of pages, with its ``router``."""
