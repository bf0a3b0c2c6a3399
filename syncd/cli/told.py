"""What the daemon tells in English, said in the language that is spoken.

The own door answers programs too, and its answers stay as they are; a
sentence is known again by its form. One that is not, such as a newer
daemon's, is shown as it came.
"""

import functools
import re

from syncd.messages.catalogue import t
from syncd.node.serve import status

# Why something waits, or cannot be: the messages of errors, in whole or in
# part. A test holds them to the daemon's own words.
WHYS = (
    "log: not appending: the other members were not asked yet",
    "log: not appending: the roster does not list us as active",
    "log: not appending: {origin} has ended: the next log waits for the"
    " roster that the admins were asked for",
    "log: not appending: restart syncd: it goes on in {origin}",
    "log: not appending: {why}",
    "log: {member} holds {theirs} entries of {origin}, we have {ours}: this"
    " home was rolled back; {how}",
    "clock: no other member has told us the time yet",
    "clock: the others' clocks are {s} s off ours",
    "roster: expired: no new reports until a newer one",
    "{member}: no answer in time",
    "{member}: has no such thing",
    "{member}: answered 403: not in the roster",
)
SENTENCES = (*status.TODO, status.NOBODY, *WHYS)


def said(sentence: str) -> str:
    """Return a sentence of the daemon's in the chosen language."""
    for form, template in _forms():
        found = form.fullmatch(sentence)
        if found is not None:
            parts = found.groupdict()
            if "why" in parts:
                parts["why"] = said(parts["why"])
            return t(template, **parts)
    return sentence


@functools.cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (
            re.compile(
                re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(sentence)),
                re.DOTALL,
            ),
            sentence,
        )
        for sentence in SENTENCES
    )
