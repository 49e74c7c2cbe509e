"""What was found: the record of a trial, stored studies, frames, fronts, plots and reports.

This package only reads, but for the deletion of a study. It imports no sampler, no evaluator, no torch and no ray: a
study is whatever an Optuna storage holds.
"""
