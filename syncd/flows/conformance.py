"""What this build makes of published vectors, for whoever admits a member.

Two builds that read a number, or make a token or a leaf, in two ways would
list different things by one name. So a request says what its build answered,
and an admin's command compares it with its own answers.
"""

import hashlib
from itertools import islice

from syncd import tsv
from syncd.errors import SyncdError
from syncd.indicator import identifier, leaf, token
from syncd.roster.join import Request


def answer(what: str, given: str, by: str) -> str:
    """Return what this build makes of a vector; "refused" is an answer."""
    if what == "token":
        output = bytes.fromhex(given)
        made = token.encode(token.token(output))
        return f"{made} {token.know(output, by).hex()}"
    if what == "leaf":
        type_, salt, payload = given.split(" ", 2)
        salted = bytes.fromhex(salt), payload.encode()
        return leaf.commit(by, int(type_), *salted).hex()
    try:
        tried = identifier.for_lookup(what, given, region=by, scheme=by)
    except SyncdError:
        return "refused"
    return " ".join(one.value for one in tried)


def answers() -> dict[str, str]:
    """Return the hash of each answer, by the vector's name."""
    return {
        name: hashlib.sha256(answer(*vector).encode()).hexdigest()
        for name, *vector in tsv.rows("flows/conformance.tsv")
    }


def apart(asked: Request) -> str:
    """Return the first vectors to which a newcomer's build answers otherwise."""
    ours, theirs = answers(), asked.conformance
    differ = (n for n in ours | theirs if ours.get(n) != theirs.get(n))
    return ", ".join(islice(differ, 5))
