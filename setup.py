"""The build: the catalogues are compiled before the package is gathered."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """Compiles each `.po` beside itself first."""

    def run(self) -> None:
        """Build what is Python, and the data beside it."""
        for path in Path(__file__).parent.glob("syncd/messages/*.po"):
            with (
                path.open("rb") as written,
                path.with_suffix(".mo").open("wb") as compiled,
            ):
                write_mo(compiled, read_po(written))
        super().run()


setup(cmdclass={"build_py": Build})
