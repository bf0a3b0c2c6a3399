"""Answers other members and our own systems; says how we are doing."""
