"""Services: whose pages share one path, so that only a query names one.

    play.google.com/store/apps/details?id=x&hl=zh     what came in
    play.google.com/store/apps/details?id=x           what names the page

A report on such a path alone would hit every page of the service. The table
is services.tsv, beside this module, with source and date of each row.
"""

from typing import NamedTuple

from syncd import tsv


class Service(NamedTuple):
    """What of a query names a page: at least one of these."""

    parameters: tuple[str, ...]
    person: bool  # their value may be somebody's number


OF = {  # host and path → service
    name + path: Service(tuple(parameters.split()), whose == "person")
    for hosts, path, parameters, whose, *_ in tsv.rows(
        "indicator/services.tsv"
    )
    for name in hosts.split()
}


def naming(service: Service, query: str) -> str:
    """Return the part of a query that names a page, "" for none.

    In the table's order, each parameter once: what else a query bears says
    by which way somebody came.
    """
    given = dict[str, str]()
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if value:
            given.setdefault(name, part)
    return "&".join(given[n] for n in service.parameters if n in given)
