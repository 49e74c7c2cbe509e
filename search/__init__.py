"""What to try next: the controller, the samplers, and the one loop that every search runs."""
