"""Edwards25519 and ristretto255 (RFC 8032, RFC 9496) in plain integers.

Slow and not constant in time: for public values only.
"""

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1, the even one

Point = tuple[int, int, int, int]  # X, Y, Z, T
ZERO: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0])
    f = (a[1] + a[0]) * (b[1] + b[0])
    g, h = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    s, t, u, v = f - e, h - g, h + g, f + e
    return s * t % P, u * v % P, t * u % P, s * v % P


def times(n: int, point: Point) -> Point:
    result = ZERO
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def small_order(public: bytes) -> bool:
    """True of an Ed25519 key whose eightfold is the neutral point."""
    y = (int.from_bytes(public, "little") & ((1 << 255) - 1)) % P
    square, x = _ratio(y * y - 1, D * y * y + 1)
    if not square:
        return False
    return times(8, (x, y, 1, x * y % P))[0] == 0


def _negative(n: int) -> bool:
    return bool(n % P & 1)


def _absolute(n: int) -> int:
    return (-n if _negative(n) else n) % P


def _ratio(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 of RFC 9496, 3.1."""
    u, v = u % P, v % P
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in (-u % P, -u * ROOT % P):
        r = r * ROOT % P
    return check in (u, -u % P), _absolute(r)


INVROOT = _ratio(1, -1 - D)[1]  # 1/sqrt(a-d)
SQRT_AD1 = P - _ratio(-D - 1, 1)[1]  # sqrt(a*d-1), the odd one


def decode(data: bytes) -> Point:
    """RFC 9496, 4.3.1."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or _negative(s):
        raise ValueError("element: no encoding")
    u1, u2 = 1 - s * s, 1 + s * s
    v = -D * u1 * u1 - u2 * u2
    square, inverse = _ratio(1, v * u2 * u2)
    dx = inverse * u2
    x = _absolute(2 * s * dx)
    y = u1 * inverse * dx * v % P
    if not square or _negative(x * y) or y == 0:
        raise ValueError("element: no encoding")
    return x, y, 1, x * y % P


def encode(point: Point) -> bytes:
    """RFC 9496, 4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y), x * y
    inverse = _ratio(1, u1 * u2 * u2)[1]
    d1, d2 = inverse * u1, inverse * u2
    zinv = d1 * d2 * t
    if _negative(t * zinv):
        x, y, d = y * ROOT, x * ROOT, d1 * INVROOT
    else:
        d = d2
    if _negative(x * zinv):
        y = -y
    return _absolute(d * (z - y)).to_bytes(32, "little")


def derive(data: bytes) -> Point:
    """RFC 9496, 4.3.4: 64 uniform bytes to an element."""
    return add(_elligator(data[:32]), _elligator(data[32:]))


def _elligator(data: bytes) -> Point:
    t = int.from_bytes(data, "little") & ((1 << 255) - 1)
    r = ROOT * t * t % P
    u = (r + 1) * (1 - D * D)
    v = (-1 - r * D) * (r + D)
    square, s = _ratio(u, v)
    c = -1
    if not square:
        s, c = -_absolute(s * t), r
    n = c * (r - 1) * (D - 1) ** 2 - v
    w0, w1 = 2 * s * v, n * SQRT_AD1
    w2, w3 = 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


GENERATOR = decode(
    bytes.fromhex(
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
    )
)
