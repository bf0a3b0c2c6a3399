#!/usr/bin/env bash
# Two SM3 libraries give another digest when the same thing is asked twice.
#
# snowland-smx 1.1.0: SM3 objects have hashlib's methods, but hexdigest()
# empties the object: from the second call on it is the digest of no bytes,
# whatever was hashed. What update() adds after a digest was read stands alone.
# gmssl 3.2.2: sm3_hash(list) leaves the padding in the caller's list, so that
# hashing the list again gives the digest of another, longer message.
# Both are right the first time; OpenSSL is right each time.
#
# Why it matters: code that logs a digest and then signs it signs something
# else, and with the first library the same for every message.
# Seen 2026-11-30 on CPython 3.11.7, first 8 digits:
#   openssl      66c7f0f4 66c7f0f4  of nothing: 1ab21d83
#   snowland-smx 66c7f0f4 1ab21d83
#   gmssl        66c7f0f4 1b68252b  the list of 3 has 128 members then
# Exits 1 if that is no longer so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  snowland-smx==1.1.0 gmssl==3.2.2
"$dir/venv/bin/python" - <<'PY'
import hashlib
import sys

from gmssl import sm3
from pysmx.SM3 import SM3

SEEN = {
    "openssl": ["66c7f0f4", "66c7f0f4"],
    "snowland-smx": ["66c7f0f4", "1ab21d83"],
    "gmssl": ["66c7f0f4", "1b68252b"],
}

reference, smx, message = hashlib.new("sm3", b"abc"), SM3(), list(b"abc")
smx.update(b"abc")
found = {
    "openssl": [reference.hexdigest()[:8] for _ in range(2)],
    "snowland-smx": [smx.hexdigest()[:8] for _ in range(2)],
    "gmssl": [sm3.sm3_hash(message)[:8] for _ in range(2)],
}
empty = hashlib.new("sm3").hexdigest()[:8]
print(found, "of nothing:", empty, "members:", len(message))
same = found == SEEN and found["snowland-smx"][1] == empty
sys.exit(0 if same and len(message) == 128 else 1)
PY
