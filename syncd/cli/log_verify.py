"""`syncd log verify`: all logs and claims of a home are proven, or not.

Exit codes: 0 all holds, 1 somebody evaluated too much, 4 no roster that we
trust, 5 damaged.
"""

from collections.abc import Iterator
from typing import Any

from syncd.cli import terminal
from syncd.cli.log import noun
from syncd.cli.options import OutputOptions
from syncd.errors import (
    DamagedError,
)
from syncd.indicator import claims, token
from syncd.messages.catalogue import t
from syncd.node.audit import stored
from syncd.node.pinned import trusted_roster
from syncd.tlog import strict

LOOKED = ("origin", "size", "merged", "rows", "contested", "ok", "problems")


@noun.verb("verify", "Verify all logs and claims of a home.")
def _verify(args: OutputOptions) -> int:
    settings = args.settings()
    reports = stored.verify_home(settings, trusted_roster(settings).current)
    found = [
        {
            **{name: getattr(r, name) for name in LOOKED},
            "root": strict.encode(r.root),
            "digest": {
                _key_name(key): claims.digest_bytes(value).hex()
                for key, value in sorted(r.digest.items())
            },
            "excess": r.counted.excess,
        }
        for r in reports
    ]
    args.show(found, _home_lines(found))
    if not all(report.ok for report in reports):
        return DamagedError.exit_code
    return 1 if any(report.counted.excess for report in reports) else 0


def _home_lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what each log is; tell what is wrong with it."""
    for log in found:
        state = t("ok") if log["ok"] else t("DAMAGED")
        if log["contested"]:
            state += t(", contested")
        yield t(
            "{origin}: {size} entries, {merged} merged, {rows} claims stand:"
            " {state}",
            **log,
            state=state,
        )
        for name, value in log["digest"].items():
            yield f"  {name:12} {value}"
        for problem in log["problems"]:
            terminal.tell(f"syncd: {t('error')}: {log['origin']}: {problem}")
        for text in log["excess"]:
            terminal.tell(f"{log['origin']}: {text}")


def _key_name(key: int) -> str:
    kind, epoch = claims.kind_epoch(key)
    return f"{token.KIND_NAMES.get(kind, kind)}/{epoch}"
