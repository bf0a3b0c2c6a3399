"""Revisions of own.db."""
