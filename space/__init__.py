"""What can be built: architectures as values, their arithmetic, and the spaces they are drawn from.

The ground floor of nascale. Nothing here imports torch, ray, optuna or pandas, and nothing here
touches a file: every function is arithmetic on frozen values.
"""
