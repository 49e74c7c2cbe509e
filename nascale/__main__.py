"""``python -m nascale``."""

from nascale.cli import main

main()
