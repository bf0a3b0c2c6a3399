"""The service behind `/v1/changes`: what came in since a cursor.

A page is what one merge brought in of one log (`store.merge_marks`), and a
cursor, `<mark>.<at>`, says after which. A verdict before and one after are
those of what had come of every log by then, by the roster and the day of the
asking; so they do not depend on when it is asked.
"""

from collections import defaultdict
from collections.abc import Mapping

from syncd.errors import MalformedError, MissingError
from syncd.flows.basis import Key
from syncd.flows.ports import Position
from syncd.indicator import token
from syncd.indicator.statement import Sighting
from syncd.node.context import Context, part
from syncd.node.serve.lookups import Lookups
from syncd.node.upkeep import arrivals
from syncd.store.merge_marks import Mark
from syncd.web.event_stream import read_cursor
from syncd.web.forms import Change, ChangePage, ChangeQuery
from syncd.web.routes import READERS, Caller, route


@part
class Changes:
    """Marks what comes in, and shows it."""

    ctx: Context
    lookups: Lookups

    async def came(self, page: arrivals.Page) -> None:
        """Mark what merging brought in of one log."""
        some = _counting(page)
        if some:
            (origin, first), (_, last) = some[0].position, some[-1].position
            await self.ctx.own.marks.add(origin, first, last + 1, len(some))

    @route("GET /v1/changes", READERS, "follow what merging brings in")
    async def page(self, caller: Caller, wanted: ChangeQuery) -> ChangePage:
        """Return what came in next after a cursor; recorded as an audit.

        Raises:
            MissingError: what is behind the cursor is not known any more.
        """
        marks = self.ctx.own.marks
        newest = await marks.newest()
        since = wanted.since
        if not since:
            return ChangePage(items=(), next=_cursor(newest), more=False)
        known = read_cursor(since)
        if known is None:
            raise MalformedError("since: not what a page gave as `next`")
        number, at = known
        behind = await marks.after(number)
        if behind is None or behind[0].at != at:
            raise MissingError(
                "since: so long ago, or in so different a database, that what"
                " came in between is not known"
            )
        if len(behind) == 1:
            return ChangePage(items=(), next=since, more=False)
        mark = behind[1]
        came = _counting(await arrivals.read(self.ctx, *mark[2:]))
        sizes = await marks.sizes(number)
        later = {**sizes, mark.origin: mark.stop}
        return ChangePage(
            items=await self._items(caller, came, sizes, later),
            next=_cursor(mark),
            more=mark.id < newest.id,
        )

    async def _items(
        self,
        caller: Caller,
        came: arrivals.Page,
        *sizes: Mapping[str, int],
    ) -> tuple[Change, ...]:
        """Return what came in by token, judged at two states of all logs."""
        on = defaultdict[Key, list[Position]](list)
        for one in came:
            on[one.key].append(one.position)
        await self.lookups.audited(
            caller,
            [(kind, short) for kind, _, short in on],
            [one.position for one in came],
        )
        judged, never = self.lookups.claims.verdicts, self.lookups.never.tokens
        before, after = [await judged([*on], at, never) for at in sizes]
        return tuple(
            Change(
                kind=kind,
                epoch=epoch,
                token=token.encode(short),
                positions=(*group,),
                before=before[key][0],
                after=after[key][0],
            )
            for key, group in on.items()
            for kind, epoch, short in (key,)
        )


def _counting(page: arrivals.Page) -> arrivals.Page:
    """Return what may change a verdict."""
    return [one for one in page if not isinstance(one.statement, Sighting)]


def _cursor(mark: Mark) -> str:
    return f"{mark.id}.{mark.at}"
