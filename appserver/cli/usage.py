"""What is asked for containers, beside what such containers used: the table that several verbs print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from appserver.cli import show
from appserver.core.metrics_words import amount

_NUMBERS = {"cpus": "cores", "memory": "bytes"}
_NOT_ASKED = "nothing"


def print_usage(items: Sequence[Mapping[str, Any]], what: str = "service") -> None:
    """
    Args:
        items: as the API gives them; `asked` may be missing.
        what: heading of the first column, and the field that it shows.
    """
    asked = ("asked",) if any("asked" in one for one in items) else ()
    headings = (what, "a container's", *asked, "median", "95 %", "highest", "learned of")
    show.table(headings, [row for one in items for row in _rows(one, str(one[what]))])


def _rows(item: Mapping[str, Any], name: str) -> Iterator[Sequence[str]]:
    used = item["used"]
    for number, unit in _NUMBERS.items():
        asked = [amount(item["asked"][number] or None, unit) or _NOT_ASKED] if "asked" in item else []
        told = [amount(used[number][part], unit) for part in ("median", "p95", "highest")] if used else ["", "", ""]
        yield (name, number, *asked, *told, _learned(used) if used else "nobody ran it yet")


def _learned(used: Mapping[str, Any]) -> str:
    many = "1 container" if used["containers"] == 1 else f"{used['containers']} containers"
    return f"{used['image']}: {many} since {used['since'][:10]}"
