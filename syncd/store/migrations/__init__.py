"""Alembic scripts: `own/` for own.db, `mirror/` for mirror.db.

A script is never changed once a release has carried it; the shape after the
last one is written down in tables.py, and a test holds the two equal.
"""
