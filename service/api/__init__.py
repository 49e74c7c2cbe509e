"""The API under ``/v1``: what the command line does, over HTTP."""
