"""A home of an earlier syncd opens with all that was in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine

from syncd.errors import NewerError, UsageError
from syncd.indicator import codec
from syncd.store.access import WRITER, AccessQuery
from syncd.store.database import HEADS, Database
from syncd.store.migrations.mirror import v0001_first
from syncd.store.own import HIGH_WATER
from syncd.store.vault import HeldBack, Known, NewReport, Query, State
from tests.store.conftest import NOW, Clock, Crash, open_own, revision

Rows = dict[str, list[tuple[object, ...]]]

TOKEN = "syncd_jdWJEN8EDZ6b_sgq3-NnjYliV75kxy6r1siOdzxno3Y"
MARK = (
    "bank.example/syncd/txwz/1\n4\n"
    "Ap1EOXsoGIITrPzCKD4zKcNsunCal/E1vICWn/QKWsY=\n\n"
    "— bank.example/syncd/txwz/1"
    " tr/veo467g+TcnWofEjCA6mZa2Jh83PJ06+UUKpKQrltesYQu6VF4mLActcRbUe4TcobZ"
    "6lLRqQahMputtJAhti7lw4=\n"
)


def rows(path: Path) -> Rows:
    """Return every row of every table, but for the revision."""
    with closing(sqlite3.connect(path)) as c, c:
        names = c.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND name <> 'alembic_version'"
        ).fetchall()
        return {
            name: c.execute(f"SELECT * FROM {name}").fetchall()
            for (name,) in names
        }


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a home with an own.db of the first revision."""
    script = Path(__file__).parent / "own_v0001.sql"
    with closing(sqlite3.connect(tmp_path / "own.db")) as c, c:
        c.executescript(script.read_text())
    (tmp_path / HIGH_WATER).write_text(MARK)
    return tmp_path


def test_the_first_one_has_a_row_in_every_table(old: Path) -> None:
    """Else the next test would prove less than it says."""
    found = rows(old / "own.db")
    assert len(found) == 17
    assert all(found.values())


async def test_an_own_db_of_the_first_revision_loses_nothing(
    old: Path,
) -> None:
    before = rows(old / "own.db")
    own = open_own(old, Clock())
    try:
        assert revision(own.database) == HEADS["own"]
        after = rows(old / "own.db")
        kept = set(before) - {"vault_key", "vault", "import_job"}
        kept -= {"access", "sighting", "debit"}
        debits = [row[:3] for row in after["debit"]]
        assert debits == before["debit"]
        assert {name: after[name] for name in kept} == {
            name: before[name] for name in kept
        }
        assert set(after) - set(before) == {
            *("event", "told", "vault_value", "import_list", "list_value"),
            *("import_refused", "own_entry", "quota_sum"),
            *("published", "appeal", "merge_mark", "dispute"),
            *("access_position", "notice", "notify_target"),
            *("screened", "screening_run"),
        }
        assert len(after["vault_value"]) == len(before["vault_key"])

        # Not only is it there, it is understood.
        states = [
            (r.kind, r.type, r.value, r.state, r.index)
            for r in (await own.vault.page(Query()))[0][::-1]
        ]
        assert states == [
            ("phone", 1, "+12025550001", State.ENDED, 0),
            ("phone", 1, "+12025550002", State.ENDING, 1),
            ("phone", 1, "+12025550003", State.PUBLISHED, 2),
            ("url", 3, "evil.example/a", State.WAITING, None),
        ]
        fields = b'{"confidence":7,"evidence":"user_tag","label":"other"}'
        again = NewReport("phone", "+12025550003", fields)
        assert await own.vault.accept([again]) == [Known(3)]
        fields = b'{"evidence":"user_tag","label":"other"}'
        back = NewReport("phone", "+12025550001", fields)
        assert await own.vault.accept([back]) == [
            HeldBack(1, "entry_error", "2027-01-15")
        ]
        assert own.log.released() == MARK.encode()
        bundle = await own.log.bundle(0)
        assert bundle is not None
        head = await own.log.head()
        assert len(codec.records(head.origin, bundle)) == 4
        assert await own.log.was_done("roster/1")
        job = await own.imports.state(1)
        assert job is not None
        assert (job.offset, job.accepted, job.refused) == (50, 2, 1)
        bearer = await own.bearers.check(TOKEN)
        assert bearer is not None
        assert bearer.role == "operator"
        hit, miss = await own.access.page()
        assert hit.positions == (("bank.example/syncd/txwz/1", 7),)
        assert (hit.reference, miss.reference) == ("case 9", "case 9")
        assert (miss.positions, miss.previous) == (None, hit.id)
        on_it = AccessQuery(positions=[("bank.example/syncd/txwz/1", 7)])
        assert await own.access.page(wanted=on_it) == [hit]
        [receipt] = (await own.cosigned.receipts(head.origin)).values()
        assert (receipt.size, receipt.at) == (3, NOW)
        assert await own.events.bounds() == (1, 0)
    finally:
        own.close()


def test_what_lay_open_is_sealed_and_nothing_of_it_left(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on a page that was freed either, though it died on the way."""

    def die(_self: Database) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Database, "purge_now", die)
        with pytest.raises(Crash):
            open_own(old, Clock())
    open_own(old, Clock()).close()
    left = b"".join(path.read_bytes() for path in old.glob("own.db*"))
    assert b"case 9" not in left
    found = rows(old / "own.db")
    assert found["sighting"] == []
    assert [row[7] for row in found["access"]] == [WRITER] * 2


async def test_what_is_only_read_is_not_migrated(old: Path) -> None:
    """The message says who does it."""
    before = rows(old / "own.db")
    with pytest.raises(UsageError, match=rf"own_1, want {HEADS['own']}") as e:
        Database(old / "own.db", "own", read_only=True)
    assert "start the daemon" in e.value.hint
    assert rows(old / "own.db") == before


async def test_one_of_a_newer_syncd_is_left_alone(old: Path) -> None:
    """Refused with both revisions, and nothing in it is changed."""
    with closing(sqlite3.connect(old / "own.db")) as c, c:
        c.execute("UPDATE alembic_version SET version_num = 'own_9'")
    before = rows(old / "own.db")
    with pytest.raises(NewerError, match=rf"own_9.*{HEADS['own']}") as e:
        open_own(old, Clock())
    assert "backup from before" in e.value.hint
    assert rows(old / "own.db") == before


def test_a_mirror_db_of_the_first_revision_loses_nothing(
    tmp_path: Path,
) -> None:
    """Made by the very script of that revision, with a log in it."""
    path = tmp_path / "mirror.db"
    first = create_engine(f"sqlite:///{path}")
    with first.begin() as c:
        context = MigrationContext.configure(c)
        with Operations.context(context):
            v0001_first.upgrade()
        c.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
        c.exec_driver_sql("INSERT INTO alembic_version VALUES ('mirror_1')")
        c.exec_driver_sql(
            "INSERT INTO log VALUES (1, 'bank.example/syncd/txwz/1', 1,"
            " x'00', 1, x'01', 0)"
        )
        c.exec_driver_sql("INSERT INTO fork_note VALUES (1, x'02', x'03')")
    first.dispose()
    before = rows(path)
    Database(path, "mirror").close()
    after = rows(path)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"rejected_note", "spent"}
