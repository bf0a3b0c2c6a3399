"""`syncd report`: its verbs, each in the module of what it is about."""

from syncd.cli import imported, imports, report, retract, vault

noun = report.noun
VERBS = (report, imports, imported, retract, vault)  # they name themselves
