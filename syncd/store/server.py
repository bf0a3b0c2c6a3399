"""Where PostgreSQL is, if the databases of a member lie there."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """One database of a server: `own` and `mirror` are schemas of it."""

    url: str  # postgresql://…, never with a password
    password_file: Path | None = None  # read at each connection: may change

    def password(self) -> dict[str, str]:
        """Return what a connection wants besides the URL, if anything."""
        if self.password_file is None:
            return {}
        return {"password": self.password_file.read_text().rstrip("\r\n")}
