#!/usr/bin/env bash
# XlsxWriter 3.3.1 writes, openpyxl 3.1.5 reads: "x005F_" vanishes from a cell.
#
# ECMA-376 (ST_Xstring) escapes a character as _xHHHH_; a literal "_x" before
# four hex digits is guarded as "_x005F_x". A text that merely holds "x005F_"
# is no escape, and XlsxWriter rightly stores it as it is. openpyxl deletes
# "x005F_" anywhere in a shared string, and leaves real escapes undecoded.
#
# Why it matters: a list of URLs read so names a page that nobody reported.
# Seen 2026-11-29 on CPython 3.11.7:
#   given    ['pay/x005F_order', 'box005F_1', 'plain']
#   openpyxl ['pay/order', 'bo1', 'plain']
# Exits 1 if that is no longer so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  XlsxWriter==3.3.1 openpyxl==3.1.5
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys

import openpyxl
import xlsxwriter

given = ["pay/x005F_order", "box005F_1", "plain"]
book = xlsxwriter.Workbook("list.xlsx")
book.add_worksheet().write_column(0, 0, given)
book.close()
read = [cell.value for cell in openpyxl.load_workbook("list.xlsx").active["A"]]
print("given   ", given)
print("openpyxl", read)
sys.exit(read != ["pay/order", "bo1", "plain"])
PY
