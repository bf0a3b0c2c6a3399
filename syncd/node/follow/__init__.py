"""Follows the other members: whom to ask, pulls, receipts, clocks, rosters."""
