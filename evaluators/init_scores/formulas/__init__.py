"""The scores at initialisation, one file each.

A new score is a new module here that holds an ``InitScore``. ``evaluators.init_scores.scores`` finds it. Modules import
torch inside their functions, because the names of all scores are wanted where nothing is computed.
"""
