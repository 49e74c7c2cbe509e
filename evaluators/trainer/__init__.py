"""Full training: from an architecture and a recipe to a folder with a trained network."""
