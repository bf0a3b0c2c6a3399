"""The group: libsodium's arithmetic, with every length and point checked."""

import functools
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.oprf import group
from tests.cases import tried
from tests.refusals import malformed

scalars = st.integers(1, group.ORDER - 1).map(group.scalar)
rng = secrets.token_bytes
G = group.multiply_base(group.ONE)
BAD = b"\xff" * 32  # no point


def test_multiples_of_the_generator() -> None:
    """The first multiples of G are those of RFC 9496, A.1."""
    assert [group.multiply_base(group.scalar(i)).hex() for i in (1, 2, 3)] == [
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
        "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
        "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    ]


@given(scalars, scalars)
def test_scalars_and_points_agree(x: bytes, y: bytes) -> None:
    """Arithmetic below is arithmetic above: (x+y)G = xG + yG, (xy)G = x(yG)."""
    a, b = (int.from_bytes(s, "little") for s in (x, y))
    assert group.scalar_add(x, y) == group.scalar(a + b)
    assert group.scalar_sub(x, y) == group.scalar(a - b)
    assert group.scalar_mul(x, y) == group.scalar(a * b)
    xg, yg = group.multiply_base(x), group.multiply_base(y)
    total = group.total([xg, yg])
    assert group.add_columns([[xg], [yg]]) == [total]
    assert group.weighted_sum([x, y], [G, G]) == total
    assert group.multiply(x, yg) == group.multiply_base(group.scalar_mul(x, y))


@given(st.lists(scalars, max_size=6))
def test_inversion_of_a_batch(values: list[bytes]) -> None:
    """Each inverse is its scalar's, in its place."""
    inverses = group.invert_all(values)
    products = map(group.scalar_mul, values, inverses)
    assert all(product == group.ONE for product in products)
    assert len(inverses) == len(values)


@tried("at", [0, 1, 2])
def test_no_inverse_of_zero(at: int) -> None:
    """One zero spoils a batch, and says so."""
    values = group.random_scalars(3, rng)
    values[at] = group.ZERO
    with malformed("zero"):
        group.invert_all(values)


def test_random_scalars_are_never_zero() -> None:
    """A draw that holds a zero is thrown away whole."""
    draws = [bytes(64) + b"\1" * 64, b"\2" * 128]
    assert (
        group.random_scalars(2, lambda n: draws.pop(0))
        == [group.reduce(b"\2" * 64)] * 2
    )
    with malformed("draw"):
        group.random_scalar(lambda n: bytes(n - 1))


@given(st.binary(min_size=64, max_size=64))
def test_reduction(wide: bytes) -> None:
    """64 bytes are a little-endian integer modulo the order."""
    assert group.reduce(wide) == group.scalar(int.from_bytes(wide, "little"))


@tried("value", [0, group.ORDER, 2**256 - 1])
def test_scalars_have_one_form(value: int) -> None:
    """Below the order and not zero."""
    group.check_scalar(group.scalar(group.ORDER - 1))
    with malformed("scalar is"):
        group.check_scalar(value.to_bytes(32, "little"))


CALLS: dict[str, Callable[[bytes], object]] = {
    "multiply": lambda p: group.multiply(group.ONE, p),
    "multiply_each": lambda p: group.multiply_each([group.ONE] * 2, [G, p]),
    "add_columns": lambda p: group.add_columns([[G, G], [G, p]]),
    "weighted_sum": lambda p: group.weighted_sum(
        [group.ONE, group.scalar(2)], [G, p]
    ),
    "weight one": lambda p: group.weighted_sum([group.ONE], [p]),
    "total": lambda p: group.total([G, p]),
    "check_points": lambda p: group.check_points([G, p]),
}


STRANGE = {
    "identity": bytes(32),
    "no point": BAD,
    "short": G[:31],
    "long": G + b"\0",
    "empty": b"",
}


@tried("name", CALLS)
@tried("why", STRANGE)
def test_boundary(name: str, why: str) -> None:
    """No call takes the identity, a strange encoding or a strange length."""
    CALLS[name](G)
    with malformed("element"):
        CALLS[name](STRANGE[why])


def test_message_says_which() -> None:
    """The place in the batch is in the message; the bytes are not."""
    with malformed(r"^oprf: element 1 is not a"):
        group.multiply_each([group.ONE] * 2, [G, BAD])
    with malformed(r"^oprf: element 1 is 31 bytes"):
        group.multiply_each([group.ONE] * 2, [G, BAD[:31]])
    with malformed(r"^oprf: element 1 is not a"):
        group.add_columns([[G, G], [G, BAD]])


def test_sums_may_be_the_identity() -> None:
    """P - P is the identity, which no call takes."""
    assert group.total([G, group.multiply(group.scalar(-1), G)]) == group.ZERO


def test_rows_of_one_length() -> None:
    """Columns are added only where there are whole columns."""
    for rows in ([], [[G], [G, G]]):
        with malformed("different lengths"):
            group.add_columns(rows)


def test_scalar_lengths() -> None:
    """Ctypes checks no lengths: we do."""
    for call in (
        lambda s: group.multiply(s, G),
        group.multiply_base,
        lambda s: group.scalar_mul(s, group.ONE),
        lambda s: group.scalar_mul(group.ONE, s),
        lambda s: group.invert_all([s]),
        group.check_scalar,
        lambda s: group.weighted_sum([s], [G]),
    ):
        for wrong in (bytes(31), bytes(33), b""):
            with malformed(f"{len(wrong)} bytes"):
                call(wrong)
    with malformed("zero"):
        group.multiply_base(group.ZERO)
    with malformed("digest 1 is 63 bytes"):
        group.from_hashes([bytes(64), bytes(63)])


# ── the library itself ───────────────────────────────────────────────────────


@functools.cache
def library() -> Path:
    """Where this process has it from, before a test loads another."""
    group.ready()
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("finds the loaded library through /proc")
    found = re.search(r"/\S*libsodium\S*", maps.read_text())
    assert found
    return Path(found[0])


REFUSED = """
from syncd.oprf import dealing, voprf
from syncd.errors import DamagedError
try:
    dealing.deal(2, 3, bytes)
except DamagedError as e:
    print(e, e.hint, sep="\\n")
"""

FOUND = """
from syncd.oprf import group
print(group.multiply_base(group.ONE).hex())
print(*[line.split()[-1] for line in open("/proc/self/maps") if "sodium" in line])
"""

OLD = """
old = ctypes.CDLL(None)
old.sodium_init = int
ctypes.CDLL = ctypes.PyDLL = lambda path: old
"""


def python(code: str, prefix: Path, system: str | None = None) -> list[str]:
    """Return what a Python prints whose system has that libsodium."""
    before = f"""
import ctypes.util, sys
ctypes.util.find_library = lambda name: {system!r}
sys.prefix = {str(prefix)!r}
"""
    done = subprocess.run(
        [sys.executable, "-c", before + code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_without_libsodium(tmp_path: Path) -> None:
    """All of oprf imports; the first use says what to install, in a line."""
    message, hint = python(REFUSED, tmp_path)
    assert message == "oprf: libsodium is not on this machine"
    assert "apt-get install libsodium23" in hint


def test_too_old_a_library(tmp_path: Path) -> None:
    """A libsodium without ristretto255 is as good as none."""
    message, _ = python(OLD + REFUSED, tmp_path, "libsodium.so.13")
    assert message == "oprf: this machine's libsodium has no ristretto255"


@tried("broken", [False, True])
def test_a_copy_beside_the_interpreter(tmp_path: Path, broken: bool) -> None:
    """What `make` unpacked there is used, not the system's, if it loads."""
    own = tmp_path / group.NATIVE
    own.parent.mkdir(parents=True)
    system = tmp_path / "libsodium.so"
    shutil.copy(library(), system)
    own.write_bytes(b"" if broken else system.read_bytes())
    generator, maps = python(FOUND, tmp_path, str(system))
    assert generator == G.hex()
    assert set(maps.split()) == {str(system if broken else own)}
