"""Telling people and systems what happens here, without their looking."""
