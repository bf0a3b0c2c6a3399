"""Lets tests import the shared fixtures as `tests.alliance`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
