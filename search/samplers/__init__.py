"""Samplers, one file each: what proposes the next network. ``registry`` finds them by name."""
