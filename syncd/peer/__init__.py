"""The client of other members: aiohttp over pinned TLS."""
