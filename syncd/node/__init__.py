"""Builds the parts of a member's daemon; owns its clock and scheduler."""
