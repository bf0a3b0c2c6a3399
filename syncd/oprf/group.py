"""The group ristretto255, as libsodium computes it.

Points are 32 bytes (RFC 9496, 4.3.2), scalars 32 bytes little-endian below
`ORDER`. Everything that is secret is multiplied, added and inverted by
libsodium, never as a Python int, whose timing shows its value.

This module alone talks to libsodium. It loads the library at first use, so
that syncd starts, helps and verifies logs on a machine without it, through
prototypes of our own (docs/adr/0024): ctypes checks no lengths, so each
function here checks them once for a whole batch, and a batch shares one
buffer. Point operations drop the GIL for their 20 to 60 µs; scalar operations
take 0.1 µs and keep it.

Every function that takes points from elsewhere refuses what is not 32 bytes,
not the one encoding of a point, or the identity.
"""

import ctypes
import ctypes.util
import functools
import hmac
import sys
from collections.abc import Callable, Sequence
from ctypes import CDLL, PyDLL, addressof, create_string_buffer
from typing import Any

from syncd.errors import DamagedError, MalformedError

ORDER = 2**252 + 27742317777372353535851937790883648493

ZERO = bytes(32)  # the scalar 0, and the encoding of the identity
ONE = b"\x01" + bytes(31)

NATIVE = "lib/syncd-native/libsodium.so"  # below sys.prefix

HINT = (
    "install libsodium 1.0.18 or newer (Debian, Ubuntu: "
    "apt-get install libsodium23), or run `make setup` in the source tree"
)

Rng = Callable[[int], bytes]  # so many random bytes, from a good source


class _Library:
    """The functions we call, by the name of what they do."""

    def __init__(self) -> None:
        # Two handles on one library: CDLL drops the GIL, PyDLL keeps it.
        free, held = _open()
        point = "crypto_core_ristretto255"
        product = "crypto_scalarmult_ristretto255"
        try:
            self.multiply = _call(free, product, 3)
            self.multiply_base = _call(free, f"{product}_base", 2)
            self.add = _call(free, f"{point}_add", 3)
            self.valid = _call(free, f"{point}_is_valid_point", 1)
            self.from_hash = _call(free, f"{point}_from_hash", 2)
            self.scalar_add = _call(held, f"{point}_scalar_add", 3, None)
            self.scalar_sub = _call(held, f"{point}_scalar_sub", 3, None)
            self.scalar_mul = _call(held, f"{point}_scalar_mul", 3, None)
            self.scalar_invert = _call(held, f"{point}_scalar_invert", 2)
            self.scalar_reduce = _call(held, f"{point}_scalar_reduce", 2, None)
        except AttributeError as e:
            raise DamagedError(
                "oprf: this machine's libsodium has no ristretto255", hint=HINT
            ) from e


_library = functools.cache(_Library)


def ready() -> None:
    """Libsodium is loaded and knows the group.

    Raises:
        DamagedError: it is not on this machine, or is older than 1.0.18.
    """
    _library()


def _call(
    library: Any, name: str, arguments: int, result: Any = ctypes.c_int
) -> Any:
    function = library[name]
    function.argtypes = (ctypes.c_void_p,) * arguments
    function.restype = result
    return function


def _open() -> tuple[CDLL, PyDLL]:
    """Load the copy that `make` unpacked for a user without root, or another.

    `find_library` knows no virtual environment.
    """
    for path in (f"{sys.prefix}/{NATIVE}", ctypes.util.find_library("sodium")):
        try:
            if path:
                library = CDLL(path)
                library.sodium_init()  # again or by two threads: harmless
                return library, PyDLL(path)
        except OSError:
            pass  # no such copy, or no library
    raise DamagedError("oprf: libsodium is not on this machine", hint=HINT)


def multiply(scalar: bytes, point: bytes) -> bytes:
    """Return scalar·point.

    Raises:
        MalformedError: not a point, or the identity, or scalar is zero.
    """
    return multiply_each([scalar], [point])[0]


def multiply_base(scalar: bytes) -> bytes:
    """Return scalar·G.

    Raises:
        MalformedError: `scalar` is zero.
    """
    _want_sizes((scalar,), "scalar")
    product = create_string_buffer(32)
    if _library().multiply_base(product, scalar):
        raise MalformedError("oprf: scalar is zero")
    return product.raw


def multiply_each(
    scalars: Sequence[bytes], points: Sequence[bytes]
) -> list[bytes]:
    """Return s·P for each pair of `scalars` and `points`: 60 µs each.

    Raises:
        MalformedError: a P is not a point, or the identity; or s is zero.
    """
    _want_sizes(scalars, "scalar")
    _want_sizes(points, "element")
    products = create_string_buffer(32 * len(points))
    multiply, at = _library().multiply, addressof(products)
    for scalar, point in zip(scalars, points, strict=True):
        if multiply(at, scalar, point):  # refuses the identity, too
            raise _bad_point((at - addressof(products)) // 32)
        at += 32
    return split(products.raw)


def add_columns(rows: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return the sums of the first, second, … points of all `rows`.

    Raises:
        MalformedError: rows differ in length, or hold what is not a point.
    """
    if len({len(row) for row in rows}) != 1:
        raise MalformedError("oprf: answers of different lengths")
    for row in rows:
        _want_sizes(row, "element")
        if ZERO in row:  # libsodium's add would take it
            raise _bad_point(row.index(ZERO))
    first, *others = rows
    totals = create_string_buffer(b"".join(first), 32 * len(first))
    add, start = _library().add, addressof(totals)
    for row in others:
        at = start
        for point in row:
            if add(at, at, point):
                raise _bad_point((at - start) // 32)
            at += 32
    return split(totals.raw)


def weighted_sum(weights: Sequence[bytes], points: Sequence[bytes]) -> bytes:
    """Return w·P summed over all pairs: 80 µs each, none for a weight ONE.

    Raises:
        MalformedError: a P is not a point, or the identity; or w is zero.
    """
    _want_sizes(weights, "scalar")
    _want_sizes(points, "element")
    library = _library()
    multiply, add = library.multiply, library.add
    product = create_string_buffer(32)
    total = create_string_buffer(32)
    to, partial = addressof(total), addressof(product)
    for at, (weight, point) in enumerate(zip(weights, points, strict=True)):
        if weight == ONE:
            if point == ZERO or add(to, to, point):
                raise _bad_point(at)
        elif multiply(partial, weight, point):
            raise _bad_point(at)
        else:
            add(to, to, partial)
    return total.raw


def total(points: Sequence[bytes]) -> bytes:
    """Return the sum of all points: 20 µs each; it may be the identity.

    Raises:
        MalformedError: one is not a point, or is the identity.
    """
    return weighted_sum([ONE] * len(points), points)


def from_hashes(digests: Sequence[bytes]) -> list[bytes]:
    """Return the point that each 64-byte digest maps to (RFC 9496, 4.3.4)."""
    _want_sizes(digests, "digest", 64)
    points = create_string_buffer(32 * len(digests))
    from_hash, at = _library().from_hash, addressof(points)
    for digest in digests:
        from_hash(at, digest)
        at += 32
    return split(points.raw)


def check_points(points: Sequence[bytes]) -> None:
    """Each of `points` is the one encoding of a point, and not the identity.

    Raises:
        MalformedError: says which is not.
    """
    _want_sizes(points, "element")
    valid = _library().valid
    for at, point in enumerate(points):
        if point == ZERO or not valid(point):
            raise _bad_point(at)


def split(raw: bytes) -> list[bytes]:
    """Cut `raw` into pieces of 32 bytes."""
    return [raw[at : at + 32] for at in range(0, len(raw), 32)]


def random_scalar(rng: Rng) -> bytes:
    """Return a scalar from 64 bytes of `rng`: uniform, and not zero."""
    return random_scalars(1, rng)[0]


def random_scalars(count: int, rng: Rng) -> list[bytes]:
    """Return `count` scalars, uniform and not zero, from one draw."""
    wide = rng(64 * count)
    _want_sizes((wide,), "draw", 64 * count)
    drawn = [reduce(wide[at : at + 64]) for at in range(0, len(wide), 64)]
    if ZERO in drawn:
        return random_scalars(count, rng)
    return drawn


def reduce(wide: bytes) -> bytes:
    """Return 64 little-endian bytes modulo the order."""
    _want_sizes((wide,), "digest", 64)
    scalar = create_string_buffer(32)
    _library().scalar_reduce(scalar, wide)
    return scalar.raw


def scalar(value: int) -> bytes:
    """Return a *public* integer, modulo the order, as a scalar."""
    return (value % ORDER).to_bytes(32, "little")


def check_scalar(value: bytes, what: str = "scalar") -> None:
    """`value` is 32 bytes, reduced and not zero.

    Raises:
        MalformedError: it is not.
    """
    _want_sizes((value,), what)
    if not hmac.compare_digest(scalar_add(value, ZERO), value):
        raise MalformedError(
            "oprf: {what} is not below the group's order", what=what
        )
    if hmac.compare_digest(value, ZERO):
        raise MalformedError("oprf: {what} is zero", what=what)


def _scalar_call(operation: str, x: bytes, y: bytes) -> bytes:
    _want_sizes((x, y), "scalar")
    result = create_string_buffer(32)
    getattr(_library(), operation)(result, x, y)
    return result.raw


scalar_add = functools.partial(_scalar_call, "scalar_add")  # x + y
scalar_sub = functools.partial(_scalar_call, "scalar_sub")  # x - y
scalar_mul = functools.partial(_scalar_call, "scalar_mul")  # x·y


def invert_all(scalars: Sequence[bytes]) -> list[bytes]:
    """Return 1/s for each s: one inversion for all (Montgomery's trick).

    With p[i] = s[0]·…·s[i], the inverse of p[n-1] times p[n-2] is that of
    s[n-1], and times s[n-1] is that of p[n-2]; and so on down. An inversion
    costs 50 µs, three multiplications 2.

    Raises:
        MalformedError: one is zero.
    """
    if not scalars:
        return []
    _want_sizes(scalars, "scalar")
    library = _library()
    mul, size = library.scalar_mul, 32 * len(scalars)
    products = create_string_buffer(scalars[0], size)
    inverses = create_string_buffer(size)
    rest = create_string_buffer(32)
    at = addressof(products)
    for value in scalars[1:]:
        mul(at + 32, at, value)
        at += 32
    if library.scalar_invert(rest, at):
        raise MalformedError("oprf: scalar is zero")
    to = addressof(inverses) + size - 32
    for value in scalars[:0:-1]:
        at -= 32
        mul(to, rest, at)
        mul(rest, rest, value)
        to -= 32
    return [rest.raw, *split(inverses.raw)[1:]]


def _want_sizes(values: Sequence[bytes], what: str, size: int = 32) -> None:
    for at, value in enumerate(values):
        if (n := len(value)) != size:
            raise MalformedError(
                "oprf: {what} {at} is {n} bytes", what=what, at=at, n=n
            )


def _bad_point(at: int) -> MalformedError:
    return MalformedError(
        "oprf: element {at} is not a ristretto255 point", at=at
    )
