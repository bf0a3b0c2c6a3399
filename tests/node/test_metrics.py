"""Metrics: states are those of one value, whoever asks."""

from msgspec.structs import replace

from syncd.node.serve.metrics import Metrics
from syncd.web import status_forms
from tests.node.test_status import WELL

ORIGIN = "bank.example/syncd/txwz/1"


def scrape(metrics: Metrics, *seen: status_forms.Seen) -> str:
    return metrics.scrape(replace(WELL, receipts=seen)).decode()


def test_states_are_shown() -> None:
    text = scrape(Metrics())
    for line in (
        f'syncd_log_entries{{origin="{ORIGIN}",state="merged"}} 10.0',
        'syncd_vault_rows{kind="url",state="published"} 1.0',
        'syncd_holder_up{member="a"} 1.0',
        'syncd_key_spare_holders{epoch="1",kind="phone"} 1.0',
        "syncd_appending 1.0",
        "syncd_roster_version 3.0",
    ):
        assert line in text


def test_who_has_left_is_no_series() -> None:
    """A receipt of a member that was removed does not grow old for ever."""
    metrics = Metrics()
    line = 'syncd_receipt_entries{member="bank"} 7.0'
    assert line in scrape(
        metrics, status_forms.Seen(member="bank", size=7, at=1)
    )
    assert line not in scrape(metrics)
