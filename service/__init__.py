"""The service: searches that a team submits, follows and picks up again, over HTTP."""
