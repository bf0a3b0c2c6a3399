#!/usr/bin/env bash
# python-calamine 0.9.1 reads half a number where the XML parts it.
#
# To XML, <v>13800<!-- x -->138000</v> and <v><![CDATA[13800138000]]></v> say
# the same as <v>13800138000</v>, and openpyxl reads them so. calamine takes
# the first piece alone, and no CDATA: 13800, and an empty cell. Texts (inline
# and shared ones) are put together rightly; numbers are not.
#
# Why it matters: a shorter number is somebody else's; nothing is raised.
# Seen 2026-11-29 on CPython 3.11.7:
#   openpyxl [13800138000, 13800138000, 13800138000]
#   calamine [13800138000.0, '', 13800.0]
# Exits 1 if that is no longer so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  python-calamine==0.9.1 openpyxl==3.1.5
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys
import zipfile

import openpyxl
import python_calamine

book = openpyxl.Workbook()
book.active.append([13800138000])
book.save("one.xlsx")
values = (
    b"13800138000",
    b"<![CDATA[13800138000]]>",
    b"13800<!-- x -->138000",
)
cells = b"".join(
    b'<row r="%d"><c r="A%d"><v>%s</v></c></row>' % (n, n, value)
    for n, value in enumerate(values, 1)
)
with zipfile.ZipFile("one.xlsx") as old, zipfile.ZipFile("list.xlsx", "w") as new:
    for name in old.namelist():
        raw = old.read(name)
        if name.endswith("sheet1.xml"):
            head, _, tail = raw.partition(b"<sheetData>")
            raw = head + b"<sheetData>" + cells + tail[tail.index(b"</sheetData>"):]
        new.writestr(name, raw)

one = [cell.value for cell in openpyxl.load_workbook("list.xlsx").active["A"]]
book = python_calamine.CalamineWorkbook.from_path("list.xlsx")
two = [row[0] for row in book.get_sheet_by_index(0).to_python()]
print("openpyxl", one)
print("calamine", two)
sys.exit(one != [13800138000] * 3 or two != [13800138000.0, "", 13800.0])
PY
