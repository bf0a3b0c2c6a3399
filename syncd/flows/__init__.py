"""One file = one journey, async, over Protocols only."""
