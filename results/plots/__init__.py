"""Pictures: of a study, its decisions and its networks, of comparisons, costs, proxies, regret and scaling."""
