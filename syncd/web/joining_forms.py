"""Forms of `/v1/invitations`."""

from typing import Annotated

from syncd.web import forms


class Invite(forms.Input):
    """Whom to invite."""

    sector: str
    hours: Annotated[int, forms.meta("until it expires", ge=1, le=720)] = 72


class Invited(forms.FullOutput):
    """The line for the newcomer; it is shown this once."""

    invitation: str
    expires: int
