"""What Optuna's samplers are driven with. These modules import Optuna, which the registry of samplers does not."""
