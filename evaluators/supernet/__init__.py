"""One-shot evaluation: all networks of a space share one set of weights, which is trained once.

``sliced`` are the layers that use a part of larger weights, ``weights`` the shared weights, ``networks`` the random
networks that take part in the training, ``training`` the training, ``kept_training`` its file in the cache, ``statistics``
what the normalisations of a candidate need, and ``evaluator`` the evaluator that a search uses.
"""
