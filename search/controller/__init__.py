"""The reinforcement-learned controller: its policy, its critic, and the rewards that they learn from."""
