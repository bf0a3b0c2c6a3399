"""The console: the local API's answers as pages for people."""
