"""What is due by the day, by a new roster, or once at a start."""
