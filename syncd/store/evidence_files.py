"""Files of evidence against holders, a few for each.

evidence/<accused>/<SHA-256 of the file, 16 hex digits>.json
"""

import hashlib
from pathlib import Path

from syncd.errors import UnavailableError
from syncd.store import durable

MOST = 8  # files for each accused: one would do, all are of up to 1 MB


def keep(home: Path, accused: str, raw: bytes) -> str:
    """Keep a file, durably; return its name, "" if there are enough.

    Raises:
        UnavailableError: the disk is full, or does not let us.
    """
    where = home / "evidence" / accused
    path = where / f"{hashlib.sha256(raw).hexdigest()[:16]}.json"
    try:
        for directory in (where.parent, where):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not path.exists() and len([*where.glob("*.json")]) >= MOST:
            return ""
    except OSError as e:
        raise UnavailableError(
            "{where}: {why}", where=where, why=e.strerror
        ) from e
    durable.write(path, raw)
    return f"{accused}/{path.name}"
