"""`syncd changes`: what merging brings in, for systems that follow."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from syncd.cli import grid, terminal
from syncd.cli.command import Noun, option
from syncd.cli.options import ApiOptions

FOLLOW_S = 5.0
HEAD = ("kind", "token", "before", "after", "came in")

noun = Noun()


class _ChangesOptions(ApiOptions):
    since: str = option("cursor; from now on if not given")
    follow: bool = option("go on until stopped; with --json a line each")
    limit: int = option("statements in a page", default=1000, min=1, max=1000)


@noun.verb(
    "changes", "What merging brought in, with verdicts before and after."
)
def _changes(args: _ChangesOptions) -> None:
    with args.api() as own:
        since = args.since
        while True:
            page = own.get("/v1/changes", since=since, limit=args.limit)
            since = page["next"]
            if not args.follow:
                args.show(page, _lines(page))
                return
            if page["items"] and args.as_json:
                terminal.say(json.dumps(page, ensure_ascii=False))
            elif page["items"]:
                args.show(page, _lines(page))
            if not page["more"]:
                time.sleep(FOLLOW_S)


def _lines(page: Mapping[str, Any]) -> Iterator[str]:
    """Yield what came in as a table, and where it goes on."""
    rows = [
        (
            *(item["kind"], item["token"]),
            *(item[at]["verdict"] for at in ("before", "after")),
            " ".join(
                f"{e['type']}:{e['position'][0]}:{e['position'][1]}"
                for e in item["entries"]
            ),
        )
        for item in page["items"]
    ]
    if rows:
        yield from grid.table(HEAD, rows)
    yield f"--since {page['next']}"
