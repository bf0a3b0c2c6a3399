"""What no bundle like this one can show, as far as it is so of this one."""

from collections.abc import Iterator

from syncd.audit.result import Audit
from syncd.errors import Message


def of(audit: Audit) -> Iterator[Message]:
    """Yield what is not seen, each in a sentence."""
    yield Message(
        "README.txt, vkeys, policy, about.json and the manifest are signed by"
        " nobody: they say what was collected, and when by that machine's clock"
    )
    if closed := [log for log in audit.logs.values() if log.audit]:
        yield Message(
            "what {n} entries about indicators say: this bundle has their leaves"
            " alone",
            n=sum(log.types[t] for log in closed for t in range(1, 16)),
        )
    yield Message(
        "whether a time is right: each is by its signer's own clock, and a signer"
        " can choose it"
    )
    if audit.rosters and audit.rosters[0].expired(audit.about.at):
        yield Message(
            "newer rosters: version {version}, the last one here, had expired when"
            " this was collected",
            version=audit.rosters[0].version,
        )
    if audit.about.unreached:
        yield Message(
            "what these hold, who did not answer when this was collected: {names}",
            names=", ".join(audit.about.unreached),
        )
    if audit.absent:
        yield Message(
            "logs of which no file is here: {names}",
            names=", ".join(audit.absent),
        )
    for log in audit.logs.values():
        if log.head.size and not log.lines:
            yield Message(
                "when the entries of {origin} came: nobody cosigned it here",
                log,
            )
