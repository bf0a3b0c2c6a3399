"""`syncd report add`, `dispute`: what our own member says.

No command repeats a value: a row is known by its number.
"""

from pathlib import Path

from syncd.cli import terminal
from syncd.cli.command import Command, option
from syncd.cli.hand_in import HandIn
from syncd.cli.options import (
    ApiOptions,
    FieldOptions,
    KindOptions,
    ValueOptions,
    check_given,
    one_value,
    positions,
    values,
)
from syncd.messages.catalogue import later

STATES = ("accepted", "known", "taken_back", "refused")

noun = Command()


class _AddOptions(ValueOptions, FieldOptions, ApiOptions):
    case: str = option("16 hex digits that link a case")
    basis: list[str] = option("ORIGIN:INDEX that it rests on")
    urgent: bool = option("tell the others at once")


@noun.verb(
    "add",
    "Report values: from standard input, one a line, from a file, or asked"
    " for.",
)
def _add(args: _AddOptions) -> int:
    fields = {
        **args.recorded(),
        **args.given("case", "urgent"),
        **({"basis": positions(args.basis, "--basis")} if args.basis else {}),
    }
    check_given(fields, "kind", "label", "role", "evidence")
    done = HandIn(
        *("/v1/reports", "reports", "", STATES), fixed=args.given("again")
    )
    return done.values(args, values(args.file), fields)


class _DisputeOptions(ValueOptions, KindOptions, ApiOptions):
    reason: str = option("innocent_owner, spoofed_number, …")
    due: str = option("day to answer by; in 3 days, of a URL in 7, if not")
    expires: str = option("day; the roster's cap if not")
    about: list[str] = option("ORIGIN:INDEX of a report; all if none")
    token: str = option("22 characters, instead of a value")
    epoch: int = option("of the token")
    file: Path | None = option("a file with the value")
    yes: bool = option("also of what nobody reports")


@noun.verb("dispute", "Say that others' reports on a value are wrong.")
def _dispute(args: _DisputeOptions) -> None:
    call = args.given(
        *("kind", "reason", "due", "expires", "scheme", "region"),
        *("token", "epoch", "yes"),
    )
    if args.about:
        call["about"] = positions(args.about, "--about")
    check_given(call, "kind", "reason")
    if not args.token:
        call["value"] = one_value(args.file)
    kept = later("the dispute is kept as {id}")
    done = args.send("/v1/disputes", call, kept)
    if done.get("unchecked") and not args.as_json:
        terminal.say(
            "holders are missing: nobody knows whether it is reported"
        )


class _AnswerOptions(ApiOptions):
    dispute: str = option("ORIGIN:INDEX of a dispute against us")
    outcome: str = option("report_stands, report_withdrawn")
    reason: str = option("evidence_confirmed, evidence_insufficient, …")


@noun.verb(
    "answer",
    "Answer a dispute of reports of ours; report_withdrawn takes them back.",
)
def _answer(args: _AnswerOptions) -> None:
    call = args.given("dispute", "outcome", "reason")
    check_given(call, "dispute", "outcome", "reason")
    [call["dispute"]] = positions([args.dispute], "--dispute")
    kept = later(
        "the answer on {reports} reports is kept; {retracting} of them are"
        " being retracted"
    )
    args.send("/v1/answers", call, kept)
