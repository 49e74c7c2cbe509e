"""What can be built: architectures as values, their costs, and the spaces they are drawn from.

The lowest package: it imports no torch, ray, optuna or pandas and touches no file. Every function is arithmetic on
frozen values.
"""
