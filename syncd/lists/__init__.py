"""Read files of values: each row is right or refused.

    file ─ kinds ─ lines ─ cells ─ text ─ table ─ columns ─ reports
               └─────────── sheet ──────────┘       │          └ preview
               names, words, days, losses, mapping ─┘

Values in, values out: whoever shows or sends rows does it elsewhere. Nothing
is held but the row that is read. A row is known by the number of its first
line, and by the offset behind it: reading goes on from there.
"""
