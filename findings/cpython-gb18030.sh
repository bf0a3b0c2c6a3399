#!/usr/bin/env bash
# CPython 3.11's codec gb18030 reads 25 two-byte sequences as characters of
# private use, where glibc 2.36 (iconv) has real ones; 18 of these are those
# that GB 18030-2022 moved, one (A8BC) is from GB 18030-2005.
#
# Nothing is raised: 0xFE59 becomes U+E81E instead of U+9FB4, so a name that
# Windows or a core system wrote no longer equals the same name in UTF-8.
#
# Why it matters: two files of the same list give different values.
# Seen 2026-11-29 on CPython 3.11.7 and glibc 2.36: 23,940 sequences
# compared, 25 differ, each of them private use in CPython.
# Exits 1 if that is no longer so. Needs python3 and iconv, no packages.
set -euo pipefail
python3 - <<'PY'
import subprocess
import sys
import unicodedata

trail = [*range(0x40, 0x7F), *range(0x80, 0xFF)]
pairs = [bytes([a, b]) for a in range(0x81, 0xFF) for b in trail]
raw = b"\n".join(pairs)
glibc = subprocess.run(
    ["iconv", "-f", "GB18030", "-t", "UTF-8"],
    input=raw,
    capture_output=True,
    check=True,
).stdout.decode()
ours, theirs = raw.decode("gb18030").split("\n"), glibc.split("\n")
differ = [t for t in zip(pairs, ours, theirs) if t[1] != t[2]]
for pair, one, other in differ:
    print(pair.hex().upper(), f"CPython U+{ord(one):04X} glibc U+{ord(other):04X}")
print(len(pairs), "compared,", len(differ), "differ")
private = all(unicodedata.category(one) == "Co" for _, one, _ in differ)
real = all(unicodedata.category(other) != "Co" for _, _, other in differ)
sys.exit(not (len(differ) == 25 and private and real))
PY
