"""Files of evidence against holders, a few for each.

evidence/<accused>/<SHA-256 of the file, 16 hex digits>.json
"""

import hashlib
from pathlib import Path

from syncd.errors import UnavailableError, at_path
from syncd.store import durable

MOST = 8  # files for each accused: one would do, all are of up to 1 MB


def paths(home: Path) -> list[Path]:
    """Return all files that are kept, in order."""
    return sorted((home / "evidence").glob("*/*.json"))


def name(accused: str, raw: bytes) -> str:
    """Return where a file is kept, below a home or in a bundle."""
    return f"evidence/{accused}/{hashlib.sha256(raw).hexdigest()[:16]}.json"


def keep(home: Path, accused: str, raw: bytes) -> str:
    """Keep a file, durably; return its name, "" if there are enough.

    Raises:
        UnavailableError: the disk is full, or does not let us.
    """
    path = home / name(accused, raw)
    where = path.parent
    with at_path(where, UnavailableError):
        for directory in (where.parent, where):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not path.exists() and len([*where.glob("*.json")]) >= MOST:
            return ""
    durable.write(path, raw)
    return f"{accused}/{path.name}"
