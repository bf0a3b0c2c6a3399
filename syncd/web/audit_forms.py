"""Forms of `/v1/audit`: bundles that the daemon made, and how they are."""

from syncd.messages.wire import WireMessage
from syncd.web.forms import FullOutput, Output, Problem


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
