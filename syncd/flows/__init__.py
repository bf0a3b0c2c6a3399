"""One journey to a file, async, over Protocols only."""
