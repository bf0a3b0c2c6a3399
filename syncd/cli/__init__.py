"""The command line, `syncd <noun> <verb>`."""
