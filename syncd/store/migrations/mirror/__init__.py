"""Revisions of mirror.db."""
