#!/usr/bin/env bash
# pymispwarninglists 1.7.0: a warning list of regular expressions matches
# nothing, not even what its own expressions describe.
#
# The package ships MISP's lists. Two are of type "regex"; the search has a
# branch for each other type and answers False for this one, with
# slow_search=True as well.
#
# Why it matters: who screens with it believes that role mailboxes and
# fictitious numbers are filtered.
# Seen 2026-11-29 on CPython 3.11.7:
#   2 regex lists; soc@example.org in "Common contact e-mail addresses": False
#   the list's own first expression matches it: True
# Exits 1 if that is no longer so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  pymispwarninglists==1.7.0
"$dir/venv/bin/python" - <<'PY'
import re
import sys

from pymispwarninglists import WarningLists

lists = WarningLists(slow_search=True).warninglists.values()
regex = [one for one in lists if one.type == "regex"]
contacts = next(one for one in regex if "contact" in one.name)
value = "soc@example.org"
body, _, flags = contacts.list[0].lstrip("/").rpartition("/")
matches = re.search(body, value, re.IGNORECASE if "i" in flags else 0)
print(f'{len(regex)} regex lists; {value} in "{contacts.name}":', value in contacts)
print("the list's own first expression matches it:", matches is not None)
sys.exit(value in contacts or matches is None or len(regex) != 2)
PY
