"""Server-sent events, from lines to messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is the last one the stream gave, also when this event brought none."""

    name: str
    data: str
    id: str = ""


def parse(lines: Iterable[str], last_id: str = "") -> Iterator[Event | None]:
    """Events as they come; None for a comment, by which the server says that it is there."""
    name, data = "message", list[str]()
    for line in lines:
        if not line:
            if data:
                yield Event(name, "\n".join(data), last_id)
            name, data = "message", []
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not key:
            yield None
        elif key == "event":
            name = value
        elif key == "data":
            data.append(value)
        elif key == "id" and "\0" not in value:
            last_id = value
