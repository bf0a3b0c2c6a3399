"""Checks and exports a home's logs, without a daemon and without its secret."""
