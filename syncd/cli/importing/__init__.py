"""Reading an operator's list: any bytes give rows, each right or refused.

    file ─ lines | sheet ─ table ─ columns ─ reports ─ own door
                              └──── refused ─────┴──▶ FILE.refused.csv

Nothing is held but one batch of rows. A row is known by the number of its
first line, and by the offset behind it: an import goes on from there.
"""
