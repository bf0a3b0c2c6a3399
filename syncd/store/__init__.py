"""The databases, the vault and the keys: the only room with SQL."""
