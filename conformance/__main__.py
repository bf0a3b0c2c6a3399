"""A second implementation of docs/protocol.md: README.md has the chapters.

It reads what syncd writes: rosters, logs as files, claims, verdicts, proofs
of evaluations, requests to join. It was written from the documents alone and
shares no line with syncd; only the standard library and PyCA's cryptography
are needed. Each module is a chapter of the protocol and names it.

As a command it tells what logs as files say, held against the roster, in
JSON, one row for each log:

    python -m conformance FINGERPRINT ROSTERS LOG …

FINGERPRINT is of the first roster, ROSTERS a home's `roster/`, and each LOG
a `log/ORIGIN` that `syncd log export` wrote. Of a log's rows, `size`, `merged`
and `digest` are to be those of `syncd log verify --json`.
"""

import json
import sys
from pathlib import Path

from . import claims, logs, roster


def main(fingerprint: str, rosters: Path, *directories: Path) -> None:
    notes = [path.read_bytes() for path in sorted(rosters.glob("*.note"))]
    trusted = roster.follow(notes, fingerprint)
    rows = []
    for directory in directories:
        origin = (directory / "checkpoint").read_text().split("\n")[0]
        key, _ = trusted.logs[origin]
        log = logs.read(logs.directory(directory), key, trusted.cosigners)
        trusted.holds(log)
        said = claims.fold(log, trusted.body.get("erased", []))
        rows.append(
            {
                "origin": origin,
                "size": log.size,
                "merged": said.merged,
                "digest": said.digest,
                "void": said.void,
                "erased": said.erased,
                "signers": sorted(log.signers),
            }
        )
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        print(
            "usage: python -m conformance FINGERPRINT ROSTERS LOG …",
            file=sys.stderr,
        )
        sys.exit(2)
    main(sys.argv[1], *map(Path, sys.argv[2:]))
