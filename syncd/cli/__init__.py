"""The command line, `syncd <noun> <verb>`.

What the operator said wrongly, or a file that is not what it should be, is a
`UsageError` that says what and where, in all of this room; a function's
docstring says what else it raises.
"""
