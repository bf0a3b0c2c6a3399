"""Forms of `/v1/audit`: bundles that the daemon made, and how they are."""

from syncd.flows.review import Person
from syncd.messages.wire import WireMessage
from syncd.web.forms import FullOutput, Output, Problem


class EndedListing(FullOutput):
    """A listing that ended; members are told by their sectors alone."""

    sector: str  # whose it was
    ended: str  # day on which it was taken back; "": it was erased
    size: int  # entries of that log that we have
    followed: tuple[tuple[str, int], ...]
    # sector of each other member, and when it had followed: 0 if not shown


class Certificate(FullOutput):
    """What can be shown of a value whose listings have all ended."""

    number: str
    alliance: str
    zone: str
    as_of: int  # unix seconds
    by: Person  # who asked
    decided: Person | None = None  # the second person
    items: tuple[EndedListing, ...]


class AuditFinding(FullOutput):
    """What is wrong; docs/audit.md says what each code proves."""

    code: str
    severity: str
    place: str  # a file of the bundle, or ORIGIN:INDEX
    text: WireMessage


class AuditBundle(Output):
    """A bundle that is kept, is being made, or could not be."""

    id: int  # unix seconds: when it was begun
    running: bool = False
    problem: Problem | None = None
    bundle: str = ""  # its name: the hash of its manifest
    exit_code: int = 0  # as of `syncd audit verify`
    findings: tuple[AuditFinding, ...] = ()


class Drill(FullOutput):
    """A step of a drill: a report of what nobody has, or its retraction."""

    speed: str  # urgent, normal
    type: str  # report, retract
    at: int  # unix seconds: handed in, or took effect; 0: not yet
    followed: dict[str, int | None]  # seconds until each member's receipt
