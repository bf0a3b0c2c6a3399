"""Logs: one event a line on standard error, JSON or for people.

What libraries say through `logging` takes the same way. Raw values, tokens
and keys never enter a message: that is each caller's duty. `redact` is the
second net under it: whatever looks like one is replaced before it is
written. It looks at shapes, so it hides too much rather than too little: a
root hash goes too, and an origin, a size or a day stays.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog import processors, stdlib
from structlog.typing import EventDict, Processor, WrappedLogger

# What the program itself names: never a value that came from outside.
_OURS = frozenset(
    {"code", "api", "job", "level", "listen", "logger", "member", "origin"}
    | {"path", "peer", "sector", "source", "task", "timestamp", "version"}
)
_SECRET = re.compile(
    r"account|authorization|cookie|identifier|key|pass(?:phrase|word)|phone"
    r"|raw|salt|secret|seed|share|token|url|value"
)
# Each alternative begins where no run of its own characters can have begun
# before, or is bounded: so that no text makes the search quadratic.
_SHAPES = re.compile(
    # Kept: a day or time, a peer's IPv4 address, an origin, a place in code.
    r"(?P<kept>(?<![\d+])\d{4}-\d\d-\d\d(?:[T ][\d:.]+Z?)?(?!\d)"
    r"|(?<![\w/.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\w/.])"
    r"|(?<![\w/.-])[a-z0-9.-]+/syncd/[a-z0-9._-]+/[a-z0-9._-]+"
    r"|File \"[^\"\n]+\", line \d+, in \S+)"
    r"|-----BEGIN [\s\S]*?(?:-----END [^-]*-----|\Z)"  # a key in PEM
    r"|\b[a-zA-Z][a-zA-Z0-9+.-]{0,19}://\S+"  # a URL
    r"|(?:\d{1,3}\.){3}\d{1,3}[/:]\S+"  # a URL with no scheme
    r"|(?<![^\s@\"'=])[^\s@\"'=]+@[^\s@]+"  # an address of mail or of money
    r"|(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"
    r"|(?<![\w-])[\w-]{21}[AQgw](?![\w-])"  # a token
    r"|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}={1,2}"  # base64
    r"|(?<![A-Za-z0-9])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20,}"  # hex
    r"|\+?\d(?:[\s().-]{0,2}\d){6,}"  # a number in any script's digits
)
_SMALL = 1_000_000
_LARGE = 10_000_000_000  # Unix seconds are below it, mobile numbers above


def configure(level: str, form: str) -> None:
    """From now on every event at `level` or above goes to standard error.

    `form` is json, console or auto: console on a terminal, else JSON.
    """
    out = sys.stderr
    pretty = out.isatty() if form == "auto" else form == "console"
    shared: list[Processor] = [
        stdlib.add_logger_name,
        stdlib.add_log_level,
        stdlib.PositionalArgumentsFormatter(),
        processors.TimeStamper(fmt="iso", utc=True),
        processors.format_exc_info,
        redact,
    ]
    render: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty())
        if pretty
        else processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                stdlib.ProcessorFormatter.remove_processors_meta,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # It would repeat every request line; the metrics count requests instead.
    for chatty in ("aiohttp.access", "apscheduler"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            stdlib.filter_by_level,
            *shared,
            stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=stdlib.LoggerFactory(),
        wrapper_class=stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_logger: WrappedLogger, _method: str, said: EventDict) -> EventDict:
    """Replace whatever looks like a raw value, a token or a key."""
    return {
        key: value if key[:1] == "_" else _clean(key, value)
        for key, value in said.items()
    }


def _clean(key: str, value: Any) -> Any:
    match value:
        case None | bool() | float():
            return value
        case int() if abs(value) < _SMALL:
            return value  # a count, whatever it counts
        case _ if _SECRET.search(key.lower()):
            return "[hidden]"
        case str() if key in _OURS:
            return value
        case str():
            return _SHAPES.sub(_hide, value)
        case int():
            mine = abs(value) < _LARGE or key.endswith("bytes")
            return value if mine else "[hidden]"
        case bytes() | bytearray() | memoryview():
            return f"[hidden: {len(value)} bytes]"
        case Mapping():
            return {str(k): _clean(str(k), v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(key, item) for item in value]
        case _:
            return _SHAPES.sub(_hide, str(value))


def _hide(match: re.Match[str]) -> str:
    return match["kept"] or "[hidden]"
