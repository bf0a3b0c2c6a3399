"""Send a list to the daemon in steps.

    file ─ lists ─ reports ─ local API
             └─ refused ─────┘

The daemon keeps how far a list is in and which rows were refused; this side
holds nothing but two steps of rows.
"""
