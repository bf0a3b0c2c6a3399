"""The pages, one module and one template each; all of them are found here."""

import importlib
import pkgutil


def load() -> None:
    """Import every page, which enters its routes."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
