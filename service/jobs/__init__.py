"""Jobs: what the service was asked to do, each a ``nascale`` process of its own that is looked after until it has ended."""
