"""RFC 9497 oblivious PRF with a shared key; knows no blacklist."""
