"""The chain of rosters that we accepted, one signed note to a file.

    roster/000001.note, roster/000002.note, …

Plain files, so that the command line reads them without the daemon, and a
person with nothing but a pager. What is in them is verified again from the
pinned first version whenever they are read: trust is `roster.trust`'s work.
"""

import re
from pathlib import Path

from syncd.errors import DamagedError, StaleError, at_path
from syncd.store import durable

_NAME = re.compile(r"([0-9]{6,15})\.note", re.ASCII)


class RosterFiles:
    """The directory of a home's rosters."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def notes(self) -> list[bytes]:
        """Return all versions' notes, from version 1 on.

        Raises:
            DamagedError: one between is missing, or cannot be read.
        """
        found = {
            int(match[1]): path
            for path in self._directory.glob("*.note")
            if (match := _NAME.fullmatch(path.name))
        }
        if sorted(found) != list(range(1, len(found) + 1)):
            raise DamagedError(
                "{directory}: versions {found}… have a gap",
                directory=self._directory,
                found=sorted(found)[:3],
            )
        return [durable.read(found[n]) or b"" for n in sorted(found)]

    def get(self, version: int) -> bytes | None:
        """Return one version's note, or None.

        Raises:
            DamagedError: it cannot be read.
        """
        return durable.read(self._path(version))

    def put(self, version: int, raw: bytes) -> None:
        """Keep the next version's note; durable on return.

        Raises:
            StaleError: another note of that version is here.
        """
        there = self.get(version)
        if there is not None:
            if there != raw:
                raise StaleError(
                    "roster: version {version} is here already",
                    version=version,
                )
            return
        with at_path(self._directory):
            self._directory.mkdir(mode=0o700, exist_ok=True)
        durable.write(self._path(version), raw)

    def _path(self, version: int) -> Path:
        return self._directory / f"{version:06}.note"
