"""A list on its way to the daemon: the terminal of `syncd.lists`.

    file ─ lists ─ reports ─ local API
             └─ refused ─────┴──▶ FILE.refused.csv

Nothing is held but one batch of rows.
"""
