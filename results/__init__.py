"""What was found: stored studies as tables, fronts, pictures and pages.

This room reads. It knows no searcher and no evaluator, and it imports neither torch nor ray: a study is
whatever an Optuna storage holds.
"""
