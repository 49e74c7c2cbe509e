"""How good it is: proxies of a network's accuracy, and the pool of workers that runs them."""
