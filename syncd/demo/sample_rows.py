"""What the members of the demo report: indicators from three files."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from syncd.errors import SyncdError, UsageError
from syncd.flows.draft import Draft
from syncd.flows.report import Rules, prepare

SAMPLE = Path(__file__).with_name("sample")
T = TypeVar("T")


def read(data: Path) -> list[Draft]:
    """Return the rows of a directory in the forms of sample/README.md.

    Raises:
        UsageError: a file is missing, is no text or lacks a column.
    """
    try:
        return [*_rows(data)]
    except OSError as e:
        raise UsageError(
            "{filename}: {why}", filename=e.filename, why=e.strerror
        ) from e
    except (UnicodeDecodeError, csv.Error) as e:
        raise UsageError(
            "{data}: no text in UTF-8: {why}", data=data, why=e
        ) from e


def _rows(data: Path) -> Iterator[Draft]:
    row = partial(Draft, evidence="user_tag")  # until a member has its own
    url = partial(row, kind="url", role="phishing_host", label="fake_invest")
    for line in (data / "urls.tsv").read_text("utf-8").splitlines():
        yield url(value=line.partition("\t")[0])
    phone = partial(row, kind="phone", role="caller", label="nuisance_call")
    for cells in _columns(data / "phones.csv", "raw", "default_region"):
        yield phone(value=cells["raw"], region=cells["default_region"])
    account = partial(row, kind="account", role="collecting_account")
    reasons = [*_columns(SAMPLE / "reasons.csv", "part", "label")]
    wanted = ("account", "bic_or_chain", "reason")
    for cells in _columns(data / "accounts.csv", *wanted):
        value, scheme, reason = (cells[name] for name in wanted)
        labels = (x["label"] for x in reasons if x["part"] in reason)
        yield account(value=value, scheme=scheme, label=next(labels, "other"))


def _columns(path: Path, *names: str) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        if missing := {*names} - {*(reader.fieldnames or ())}:
            raise UsageError(
                "{path}: no column {missing_}",
                path=path,
                missing_=", ".join(missing),
            )
        yield from reader


def alone(
    dealt: Iterable[tuple[Draft, T]], rules: Rules
) -> dict[str, tuple[Draft, T]]:
    """Return of each kind the last row that only one member reports.

    Nothing else that is reported answers a look-up of such a row, so it may
    be looked up at another member, and be gone once it is retracted. Rows
    that will be refused do not count. `dealt` holds each row with a member
    that reports it, `rules` what the members will check it against.
    """
    found: dict[tuple[str, str], list[tuple[Draft, T]]] = defaultdict(list)
    for row, taker in dealt:
        with suppress(SyncdError):
            value = prepare(row, rules).value
            if row.kind == "url":  # one lists those below it
                host = value.partition("/")[0]
                value = ".".join(host.split(".")[-2:])
            found[row.kind, value].append((row, taker))
    return {kind: x[0] for (kind, _), x in found.items() if len(x) == 1}
