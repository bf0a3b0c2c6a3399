"""The APIs: aiohttp servers for peers and for our own institution."""
