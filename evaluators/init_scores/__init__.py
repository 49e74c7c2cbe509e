"""Scores at initialisation: no training, one or a few batches, larger is better.

Abdelfattah et al. 2021, "Zero-Cost Proxies for Lightweight NAS", compare most of them. ``formulas`` holds them, one file
each; ``evaluator`` measures a candidate with one. A score is only worth its seconds if it ranks networks better
than ``macs`` and ``params`` do: ``nascale bench proxies`` tells.
"""
