"""The rules of the terminal: what goes where, and how a command ends.

Results go to standard output, everything else to standard error. Errors are
one line, `syncd: error: …`, and one more with the way out where we know it.
`--json` prints the whole result as one JSON value. No command asks where no
terminal is.

Exit codes: 0 done, 1 answered "no" or partly refused, 2 wrong use, 3 cannot
reach, 4 not trusted, 5 damaged, 130 interrupted.
"""

import contextlib
import getpass
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from syncd import config
from syncd.errors import MalformedError, Message, SyncdError, UsageError
from syncd.messages import catalogue
from syncd.messages.catalogue import t

MOST = 16 << 20  # bytes of a file


def say(english: str, **values: object) -> None:
    """Print a result for a person, in the language that is spoken."""
    print(t(english, **values))


def tell(english: str, **values: object) -> None:
    """Print a remark: to standard error."""
    print(t(english, **values), file=sys.stderr)


def as_json(value: Any) -> str:
    """Return a result as a program reads it."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def hang_up() -> None:
    """Drop results that nobody takes, or Python would complain at the end."""
    with (
        Path(os.devnull).open("wb") as nothing,
        contextlib.suppress(OSError, AttributeError),  # there is no output
    ):
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def of_system(error: OSError) -> SyncdError:
    """Return what the system refused, as an error of ours."""
    where = f"{error.filename}: " if error.filename else ""
    problem = f"{where}{error.strerror or error}"
    # Of these the person can mend the name; a full disk may be right later.
    mend = FileExistsError | FileNotFoundError | IsADirectoryError
    if isinstance(error, mend | NotADirectoryError | PermissionError):
        return UsageError(problem)
    return SyncdError(problem)


def complain(error: SyncdError) -> int:
    """Print an error and return the exit code that it means."""
    tell(f"syncd: {t('error')}: {catalogue.of(error)}")
    if hint := catalogue.hint_of(error):
        tell(f"syncd: {t('hint')}: {hint}")
    return error.exit_code


def agreed(question: str, words: Sequence[str] = ("y", "yes", "是")) -> bool:
    """Tell whether a person types yes, or another of some words."""
    if not sys.stdin.isatty():
        raise UsageError("nobody is at a terminal to say yes")
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in words


def secret(settings: config.Config) -> bytes:
    """Return the passphrase that wraps a home's keys."""
    ask = partial(getpass.getpass, t("Passphrase: "))
    return config.passphrase(
        *(settings, config.environment()), ask if sys.stdin.isatty() else None
    )


def pin() -> str:
    """Return the PIN of a token; a passphrase is never tried as one."""
    if path := config.environment().pin_file:
        return decoded(config.read_private(path), str(path)).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("token: no PIN file or terminal to ask on")
    return getpass.getpass("PIN: ")


def write_new(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file that is not there yet; `-` is standard output."""
    if str(path) == "-":
        sys.stdout.buffer.write(data)
        return
    with new_file(path, private=private) as file:
        file.write(data)


@contextlib.contextmanager
def new_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Yield a new file, which gets its name when it is whole."""
    mode = 0o600 if private else 0o666
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.touch(mode, exist_ok=False)
        path.unlink()  # it can be there: before what goes into it is made
        fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fsync(fd)
            path.touch(mode, exist_ok=False)  # nobody else's, whatever came
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    except FileExistsError:
        raise UsageError("{path}: is there already", path=path) from None
    except OSError as e:
        raise UsageError("{path}: {why}", path=path, why=e.strerror) from e


def check_new(path: Path | None) -> None:
    """Pass if a file can be made there, before what goes into it is made.

    Or if none is to be made.
    """
    if path and str(path) != "-":
        write_new(path, b"")
        path.unlink()


T = TypeVar("T")


def parsed(path: Path, parse: Callable[[bytes], T], limit: int = MOST) -> T:
    """Read a file as what it is said to be."""
    raw = read_file(path, limit)
    try:
        return parse(raw)
    except MalformedError as e:
        raise UsageError(
            "{path}: {why}",
            hint=e.way_out or Message("is it the right file?"),
            path=path,
            why=e,
        ) from e


def read_file(path: Path, limit: int = MOST) -> bytes:
    """Read a file; `-` is standard input."""
    if str(path) == "-":
        data = sys.stdin.buffer.read(limit + 1)
    else:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    if len(data) > limit:
        raise UsageError("{path}: is over {most} bytes", path=path, most=limit)
    return data


def decoded(raw: bytes, where: str) -> str:
    """Return what stands in a text file."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise UsageError(
            "{where}: not UTF-8 at byte {at}", where=where, at=e.start
        ) from None


@contextlib.contextmanager
def new_directory(out: Path) -> Iterator[Path]:
    """Give a directory that is moved to `out`, or packed, when it is filled."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("{path}: is there already", path=out)
    parent = out.absolute().parent
    made = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=parent))
    try:
        yield made
        if out.suffix == ".tar":
            from syncd.audit import bundle  # here alone

            bundle.pack(made, out)
        else:
            made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
