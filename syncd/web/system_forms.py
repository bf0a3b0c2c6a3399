"""Forms of the daemon itself: jobs, files, settings, tokens, sessions."""

from syncd.web.forms import FullOutput, Output


class JobState(FullOutput):
    """A job, since the start."""

    name: str
    last_at: int | None = None  # it ended, unix seconds
    took_s: float = 0
    failed: int = 0  # times
    next_at: int | None = None  # unix seconds


class TokenRow(Output):
    """A bearer token; times are unix seconds."""

    name: str
    role: str
    staff: str
    person: str
    added_at: int
    revoked_at: int | None = None
    ends_at: int | None = None  # a certificate that stands in its place


class SessionRow(FullOutput):
    """A browser that somebody has logged in with; times are unix seconds."""

    id: str  # opens nothing
    name: str  # of the token
    role: str
    person: str
    began_at: int
    used_at: int
    ends_at: int


class SystemState(FullOutput):
    """How the daemon itself is doing."""

    version: str  # of syncd
    python: str
    skew_s: int  # how far the others' clocks are ahead
    free: int  # bytes, where the home is
    files: dict[str, int]  # bytes of what is in the home, and on a server
    settings: dict[str, str]  # in force; of targets their names alone
    jobs: tuple[JobState, ...]
    tokens: tuple[TokenRow, ...]  # revoked ones too
    sessions: tuple[SessionRow, ...]


class Revoked(FullOutput):
    """It opens nothing from now on."""

    revoked: str
