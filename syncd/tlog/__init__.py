"""C2SP transparency logs; knows no blacklist."""
