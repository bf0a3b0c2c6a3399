"""Who may sign what, until when."""
