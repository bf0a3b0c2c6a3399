"""`syncd demo`: four members on this machine, from nothing to convergence."""
