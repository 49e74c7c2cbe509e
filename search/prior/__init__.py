"""Prior knowledge of networks that no training is needed for: scores at initialisation and costs, as features of a critic."""
