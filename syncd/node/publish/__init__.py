"""Writes our own log: when we may append, and what is appended."""
