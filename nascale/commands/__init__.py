"""The commands, one module each, every one with a click command called ``command``."""
