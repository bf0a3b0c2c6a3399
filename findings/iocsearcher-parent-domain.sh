#!/usr/bin/env bash
# iocsearcher 3.1.0 names the parent of a domain that follows a letter which
# is not ASCII: "点pay.example.com" gives the name example.com.
#
# Chinese has no blanks between words, so in a report a name mostly stands
# right behind one. The first label is lost up to its dot, and what is left is
# returned as a fully qualified name; with a blank before it the name is
# whole. In the same text the URL is found whole, so that the two disagree.
#
# Why it matters: blocking what was found blocks the host of many sites for
# one of them. Nothing is raised, and the parent is a real name.
# Seen 2026-11-30 on CPython 3.11.7:
#   点 pay.example.com/x  fqdn pay.example.com  url pay.example.com/x
#   点pay.example.com/x   fqdn example.com      url pay.example.com/x
#   见www.pay.example.com fqdn pay.example.com
# Exits 1 if that is no longer so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  iocsearcher==3.1.0
"$dir/venv/bin/python" - <<'PY'
import sys

from iocsearcher.searcher import Searcher

SEEN = {
    "点 pay.example.com/x": ["pay.example.com"],
    "点pay.example.com/x": ["example.com"],
    "见www.pay.example.com": ["pay.example.com"],
}

searcher = Searcher()
same = True
for text, names in SEEN.items():
    found = [(i.name, i.value) for i in searcher.search_data(text)]
    print(text, found)
    same &= [value for name, value in found if name == "fqdn"] == names
sys.exit(0 if same else 1)
PY
