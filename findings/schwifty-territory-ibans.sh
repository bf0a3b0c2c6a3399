#!/usr/bin/env bash
# schwifty 2026.10.1 calls IBANs valid that begin with codes of no IBAN
# country; python-stdnum 2.2 refuses the same ones.
#
# The IBAN registry has no entry for these sixteen territories: their banks
# use the IBANs of GB, FR or FI. schwifty makes and accepts numbers that begin
# with the territory's own code.
#
# Why it matters: an IBAN that no bank can have is listed as if it had one.
# Seen 2026-11-29 on CPython 3.11.7: all 16 are made, valid to schwifty, and
# refused by python-stdnum with InvalidComponent.
# Exits 1 if that is no longer so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  schwifty==2026.10.1 python-stdnum==2.2
"$dir/venv/bin/python" - <<'PY'
import sys

import stdnum.exceptions
import stdnum.iban
from schwifty import IBAN

CODES = "AX BL GF GG GP IM JE MF MQ NC PF PM RE TF WF YT".split()
same = True
for code in CODES:
    iban = IBAN.random(country_code=code)
    try:
        stdnum.iban.validate(str(iban))
        other = "valid"
    except stdnum.exceptions.ValidationError as e:
        other = type(e).__name__
    print(code, "schwifty:", iban.is_valid, "python-stdnum:", other)
    same = same and iban.is_valid and other == "InvalidComponent"
sys.exit(not same)
PY
