"""The version of nascale."""

VERSION = "0.1.0"
