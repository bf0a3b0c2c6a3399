"""A list on its way to the daemon: the terminal of `syncd.lists`.

    file ─ lists ─ reports ─ local API
             └─ refused ─────┘

The daemon keeps how far a list is in and which rows were refused; this side
holds nothing but two steps of rows.
"""
