"""Growing a trained network into a larger one: the weights of ``space.growth``'s plan, and how far the function changed."""
