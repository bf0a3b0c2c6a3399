"""`syncd status`: how this member and its peers are doing, and what to do."""

from syncd.cli import grid
from syncd.cli.api_client import ApiClient
from syncd.cli.command import Command, argument, option
from syncd.cli.grid import Item
from syncd.cli.options import ApiOptions
from syncd.messages import answers, catalogue
from syncd.messages.catalogue import later, t


class _StatusOptions(ApiOptions):
    health: bool = option(
        "only whether it serves: exit code 0 if it does; no token"
    )


def _status(args: _StatusOptions) -> int:
    if args.health:
        return _health(args)
    found = args.ask("/v1/status")
    args.show(found, lines(found))
    return 0


noun = Command(options=_StatusOptions, run=_status)


class _MuteOptions(ApiOptions):
    code: str = argument("of what is to do: --json says it")
    until: str = option(
        "first day on which it shows again; today: at once", needed=True
    )
    why: str = option("why it can wait", needed=True)


@noun.verb("mute", "Show a thing to do no more until a day.")
def _mute(args: _MuteOptions) -> None:
    wanted = {"code": args.code, "until": args.until, "why": args.why}
    args.send("/v1/status/mutes", wanted, later("{count} muted until {until}"))


def _health(args: _StatusOptions) -> int:
    """Say whether the daemon serves; nothing of it is secret."""
    with ApiClient.of(args.settings(), None, token=False) as own:
        found = own.get("/readyz")
    state = t("ready")
    if found["cut_off"]:
        state = t("ready, cut off from the other members")
    elif not found["appending"]:
        state = t("ready, not appending")
    why = found["why"] and catalogue.text(found["why"])
    args.show(found, [f"{state}: {why}" if why else state])
    return 0


def lines(found: Item) -> list[str]:
    """Return the status as lines, what to do last."""
    now = found["time"]
    out = [*grid.pairs(_head(found)), "", *_members(found, now)]
    out += ["", *_logs(found, now)]
    if found["findings"]:
        rows = grid.items(
            "findings",
            found["findings"],
            lambda f: {
                "log": ":".join(
                    str(f[n]) for n in ("origin", "index") if n in f
                ),
                "last": answers.ago(now - f["last_at"]),
                "detail": catalogue.text(f),
            },
        )
        out += ["", *rows]
    todo = [*map(catalogue.text, found["todo"])] or [t("nothing")]
    shown = [(t("what to do"), text) for text in todo]
    shown += [(t("note"), catalogue.text(note)) for note in found["notes"]]
    for m in found["muted"]:
        what = t(
            "{what} ({by}: {why})", **{**m, "what": catalogue.text(m["what"])}
        )
        shown.append((t("muted until {until}", **m), what))
    return [*out, "", *(f"{what}: {answers.clean(x)}" for what, x in shown)]


def _members(found: Item, now: int) -> list[str]:
    def shown(row: Item) -> Item:
        offset, days = row.get("offset_s"), row.get("certificate_days")
        return {
            "holder": t("yes") if row.get("holder") else "",
            "heard": _ago(row.get("heard_at"), now),
            "asked": _ago(row.get("asked_at"), now),
            "clock": "" if offset is None else f"{offset:+} s",
            "certificate": "" if days is None else t("{n} days", n=days),
            "state": _contact(row, now),
        }

    return grid.items("members", found["members"], shown)


def _ago(at: int | None, now: int) -> str:
    return answers.ago(now - at) if at else ""


def _contact(row: Item, now: int) -> str:
    if not row.get("failures"):
        return t(row["state"])
    return t(
        "does not answer, first {ago}: {why}",
        ago=answers.ago(now - row["silent_since"]),
        why=catalogue.text(row["why"]),
    )


def _head(found: Item) -> list[tuple[str, str]]:
    """Return what is said of the member as a whole."""
    log, vault, roster = found["log"], found["vault"], found["roster"]
    up = [h["member"] for h in found["holders"] if h["up"]]
    waiting = {k: n for k, n in vault["waiting"].items() if n}
    by_kind = ", ".join(f"{kind} {n}" for kind, n in waiting.items())
    expiry = t("EXPIRED")
    if not roster["expired"]:
        days = (roster["expires"] - found["time"]) // 86_400
        expiry = t("expires in {n} days", n=days)
    keys = ", ".join(
        f"{k['kind']} {k['epoch']}: {k['t']}/{k['n']}" for k in found["keys"]
    )
    fell = "".join(
        f"; {t('{member} down', member=h['member'])}: {catalogue.text(h['why'])}"
        for h in found["holders"]
        if not h["up"]
    )
    kept = t(
        "{waiting} waiting, {published} published, {ending} ending",
        **{**vault, "waiting": sum(waiting.values())},
    ) + (f" ({by_kind})" if waiting else "")
    version = t("version {version}, {expiry}", **roster, expiry=expiry)
    why = found["appending"]["why"]
    return [
        (t("member"), t("{member} of {alliance}, syncd {version}", **found)),
        (t("log"), t("{origin}: {size} entries, {released} released", **log)),
        (t("appending"), catalogue.text(why) if why else t("yes")),
        (t("vault"), kept),
        (t("holders"), t("{up} up", up=", ".join(up) or "0") + fell),
        (t("keys"), keys or "-"),
        *((t("quota"), _quota(left)) for left in found.get("quotas", ())),
        (t("roster"), version),
        (t("clock"), t("{skew} s off", skew=found["skew_s"])),
        *((t("told to"), _target(to)) for to in found["notify"]),
        *((t("daemon"), _daemon(one, found)) for one in found["daemons"]),
    ]


def _daemon(one: Item, found: Item) -> str:
    here = t("{node}, this one", **one) if one["here"] else one["node"]
    if one["since"] is None:
        return str(here)
    ago = answers.ago(found["time"] - one["since"])
    return t("{node} leads, began {ago}", node=here, ago=ago)


def _quota(left: Item) -> str:
    out = t("{member} {key} {purpose}: {left} left {age_s} s ago", **left)
    if left["denied"]:
        out += t("; {n} refused", n=left["denied"])
    if left["refill_s"]:
        out += t("; more in {n} s", n=left["refill_s"])
    return out


def _target(to: Item) -> str:
    """Return how telling one target of `[notify]` goes."""
    how = t("ok") if not to["failures"] else catalogue.text(to["why"])
    how += t(", {n} wait", n=to["waiting"]) if to["waiting"] else ""
    how += t(", {n} never told", n=to["dropped"]) if to["dropped"] else ""
    return f"{to['target']} ({', '.join(to['roles'])}): {how}"


def _logs(found: Item, now: int) -> list[str]:
    ours = {r["member"]: r for r in found["receipts"]}

    def shown(log: Item) -> Item:
        seen = ours.get(log["member"])
        return {
            "as_of": _ago(log.get("as_of"), now),
            "receipt": seen and f"{seen['size']} {_ago(seen['at'], now)}",
            "pulled": _ago(log.get("last_pull"), now),
            "state": _state(log),
        }

    return grid.items("logs", found["logs"], shown)


def _state(log: Item) -> str:
    if log["contested"]:
        return t("CONTESTED: it signed two things")
    if log["missing"]:
        return t("{n} payloads withheld", n=log["missing"])
    if log.get("why"):
        return catalogue.text(log["why"])
    return t("behind") if log["lag"] else t("ok")
