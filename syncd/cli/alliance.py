"""`syncd alliance found`: from founders' requests to version 1."""

import secrets
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli import edits, terminal, usage
from syncd.errors import UsageError
from syncd.flows import onboard
from syncd.messages.catalogue import t
from syncd.node.pinned import clock
from syncd.oprf import group
from syncd.roster import drafts, join
from syncd.roster.terms import Never


def add(app: typer.Typer) -> None:
    """Add the noun to the command."""
    noun = usage.Noun("Found an alliance.")
    app.add_typer(noun, name="alliance")

    @noun.callback()
    def _noun() -> None:
        pass

    @noun.command(
        "found",
        help=(
            "Draft version 1 of the roster and deal the token keys: writes"
            " the draft and a sealed share for each holder and key."
        ),
    )
    def _found(
        out: Annotated[Path, typer.Argument(help="a new directory")],
        alliance: Annotated[str, typer.Option(help="short name")],
        request: Annotated[
            list[Path], typer.Option(help="a founder's join request")
        ],
        holder: Annotated[
            list[str], typer.Option(help="member id of a key holder")
        ],
        admin: Annotated[
            list[Path], typer.Option(help="an admin's public key file")
        ],
        threshold: Annotated[
            int, typer.Option(help="holders that are needed")
        ] = 2,
        admins_needed: Annotated[
            int, typer.Option(help="admins that must sign")
        ] = 1,
        days: Annotated[int, typer.Option(help="until it expires")] = 90,
        zone: Annotated[
            str, typer.Option(help="time zone of its days")
        ] = "Asia/Shanghai",
        never: Annotated[
            Path | None,
            typer.Option(
                help="lines of kind TAB value TAB why; else our own list"
            ),
        ] = None,
    ) -> None:
        group.ready()
        founders = [
            join.unchallenged(terminal.parsed(path, join.parse))
            for path in request
        ]
        founded = onboard.found(
            drafts.Founding(
                alliance,
                founders,
                [edits.public_key(path) for path in admin],
                admins_needed,
                days=days,
                zone=zone,
                never=never_list(never or NEVER),
            ),
            holders=holder,
            t=threshold,
            now=clock(),
            rng=secrets.token_bytes,
        )
        try:
            out.mkdir(mode=0o700)
        except OSError as e:
            raise UsageError(f"{out}: {e.strerror}") from e
        terminal.write_new(out / "roster-1.draft", founded.draft)
        for share in founded.shares:
            name = f"share-{share.member}-{share.kind}-{share.epoch}.sealed"
            terminal.write_new(out / name, share.raw, private=True)
        terminal.say(founded.fingerprint)
        terminal.tell(
            t(
                "This is the fingerprint: tell it to every member by a second"
                " way. Next: each admin runs syncd roster sign."
            )
        )


# Emergency, official and clearing numbers, big hosts and shorteners.
NEVER = Path(str(resources.files("syncd.indicator").joinpath("never.tsv")))


def never_list(path: Path) -> list[Never]:
    """Read a never-list: one `kind TAB value [TAB note]` a line, # comments.

    Raises:
        UsageError: a line does not normalise; says which.
    """
    lines = terminal.read_file(path).decode("utf-8", "replace").split("\n")
    return edits.never_rows(lines, str(path))
