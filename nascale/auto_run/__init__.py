"""Photos and a budget in, a network out, within the given time: the stages of ``nascale auto`` and what it says at the end."""
