"""Open the parts of an XLSX workbook: a ZIP of XML.

Nothing is taken that no spreadsheet writes: what the parts inflate to is
bounded, and there is no declaration in them that stands for more.
"""

import posixpath
import zipfile
from collections import defaultdict
from collections.abc import Callable
from xml.parsers import expat

MAX_PARTS = 1000
MAX_INFLATED = 1 << 30  # bytes, of all parts
MAX_TAGS = 4_000_000  # of the table of texts: a text has four or more
MAX_STRINGS = 128 << 20  # bytes of the table of texts, which is held whole
MAX_TEXT = 256 << 10  # bytes of one cell: Excel writes 32,767 characters
PIECE = 64 << 10  # bytes that are parsed at once


class PartError(Exception):
    """Why a workbook is refused: message, hint and parameters but the path."""

    def __init__(self, message: str, *, hint: str, **params: object) -> None:
        self.parts = message, hint, params


def too_large() -> PartError:
    """Return why a workbook is refused that takes too much memory."""
    return PartError(
        "{path}: is larger inside than a list is", hint="save the sheet as CSV"
    )


def broken(what: str) -> PartError:
    """Return why a workbook is refused that is none."""
    return PartError(
        "{path}: is no sound XLSX workbook ({what})",
        what=what,
        hint="save it again, or as CSV",
    )


class Archive:
    """The parts of a workbook, found where calamine finds them."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        parts = file.infolist()
        self._parts = {
            part.filename.replace("\\", "/").lower(): part for part in parts
        }
        inflated = sum(part.file_size for part in parts)
        if len(parts) > MAX_PARTS or inflated > MAX_INFLATED:
            raise too_large()
        if len(self._parts) < len(parts):
            raise broken("a part twice")
        target = next(
            attrs["Target"].lstrip("/")
            for _, attrs in self._elements("_rels/.rels")
            if attrs.get("Type", "").endswith("/officeDocument")
        )
        self._home = target[: target.rfind("/") + 1].lower()
        name = f"{self._home}sharedstrings.xml"
        if name in self._parts:
            if self._parts[name].file_size > MAX_STRINGS:
                raise too_large()
            self.parse(name, MAX_TAGS)

    def sheet(self, wanted: str) -> tuple[str, str]:
        """Return the name and the part of the sheet that is meant."""
        parts = {}
        for _, attrs in self._elements(f"{self._home}_rels/workbook.xml.rels"):
            if attrs.get("Type", "").endswith("/worksheet"):
                target = posixpath.join(self._home, attrs["Target"])
                parts[attrs["Id"]] = target.removeprefix("/")
        found = dict[str, str]()
        shown = defaultdict[str, list[str]](list)
        for name, attrs in self._elements(f"{self._home}workbook.xml"):
            ids = [v for k, v in attrs.items() if k.rpartition(":")[2] == "id"]
            if name == "sheet" and ids[0] in parts:
                found[attrs["name"]] = parts[ids[0]]
                shown[attrs.get("state", "visible")].append(attrs["name"])
        visible = shown["visible"]
        names = ", ".join(visible or shown["hidden"])
        if wanted and wanted not in found:
            raise PartError(
                "{path}: no sheet {name}",
                name=wanted,
                hint="sheets: {names}",
                names=names,
            )
        if not wanted and len(visible) != 1:
            raise PartError(
                "{path}: has {n} sheets",
                n=len(visible),
                hint="say --sheet: {names}",
                names=names,
            )
        name = wanted or visible[0]
        return name, found[name]

    def formats(self) -> list[str]:
        """Return each style's number format, "" for most built-in ones."""
        codes = {"9": "0%", "10": "0.00%"}
        styles = []
        inside = False
        if f"{self._home}styles.xml" in self._parts:
            for name, attrs in self._elements(f"{self._home}styles.xml"):
                if name == "numFmt":
                    codes[attrs["numFmtId"]] = attrs["formatCode"]
                elif name in ("cellXfs", "cellStyles", "dxfs"):
                    inside = name == "cellXfs"
                elif inside and name == "xf":
                    styles.append(codes.get(attrs.get("numFmtId", ""), ""))
        return styles

    def _elements(self, part: str) -> list[tuple[str, dict[str, str]]]:
        found = list[tuple[str, dict[str, str]]]()
        self.parse(
            part,
            StartElementHandler=lambda name, attrs: found.append(
                (name.rpartition(":")[2], attrs)
            ),
        )
        return found

    def parse(
        self, part: str, tags: int = 1 << 30, **handlers: Callable[..., None]
    ) -> None:
        """Parse a part to its end, which holds it against its checksum.

        Raises:
            PartError: it has a declaration, a huge text, or over so many tags.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _doctype
        for name, on in handlers.items():
            setattr(parser, name, on)
        since_tag = 0
        with self._file.open(self._parts[part.lower()]) as file:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
                new = piece.count(b"<")
                tags -= new
                since_tag = 0 if new else since_tag + len(piece)
                if since_tag > MAX_TEXT or tags < 0:
                    raise too_large()
        parser.Parse(b"", True)


def _doctype(*_: object) -> None:
    raise broken("DOCTYPE")
