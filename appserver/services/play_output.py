"""What a play said, on record: any app server shows it, live and afterwards. Sealed, bounded, the newest kept.

Lines stand in parts, each under the number of its first line. The newest part grows in its place until it is full, so
whoever follows takes of a part the lines that are new.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Event

from appserver.errors import BadRecord, Compacted, SealError
from appserver.ports import KV, Sealer
from appserver.services.following import BEAT_S, follow
from appserver.store import plays as keys

PART = 16_384
"""Characters after which a part is full."""
KEPT = 524_288
"""Characters on record for one play, packed and sealed; the oldest parts go first."""
LONGEST = 4_000
"""Characters of one line."""
_MOST_PENDING = 131_072
"""Characters that wait while the store is away."""

Lines = Iterator[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Said:
    """Which play's output, and by what its seals are bound."""

    number: int
    mark: str

    @property
    def place(self) -> str:
        return f"play.{self.mark}"


class Output:
    """One play's output as its app server writes it. Used by one thread."""

    def __init__(self, kv: KV, sealer: Sealer, said: Said) -> None:
        self._kv = kv
        self._sealer = sealer
        self._said = said
        self._first = 1
        self._part: list[str] = []
        self._unwritten = 0
        self._written: dict[str, int] = {}

    @property
    def lines(self) -> int:
        """How many there have been."""
        return self._first - 1 + len(self._part)

    @property
    def is_loud(self) -> bool:
        """So much is unwritten that it wants writing now."""
        return self._unwritten >= PART

    def add(self, text: str) -> None:
        """Lines without their ends; what a terminal would do with carriage returns is left out."""
        for line in text.replace("\r\n", "\n").split("\n"):
            shown = line.rsplit("\r", 1)[-1].rstrip()
            cut = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]} … ({len(shown)} characters)"
            self._part.append(cut)
            self._unwritten += len(cut) + 1
            if self._unwritten > _MOST_PENDING:
                self._drop_half()

    def write(self, fence: Mapping[str, int] | None = None) -> bool:
        """What is new, to the record. False when `fence` no longer holds.

        Raises:
            StoreError: it stays to be written.
        """
        if not self._unwritten:
            return True
        key = keys.lines(self._said.number, self._first)
        value = _packed(self._part, self._sealer, self._said)
        sizes = {**self._written, key: len(value)}
        gone = []
        while sum(sizes.values()) > KEPT and len(sizes) > 1:
            oldest = min(sizes)
            gone.append(oldest)
            del sizes[oldest]
        if not self._kv.commit(fence or {}, {key: value}, gone):
            return False
        self._written, self._unwritten = sizes, 0
        if self._size() >= PART:
            self._first += len(self._part)
            self._part = []
        return True

    def _size(self) -> int:
        return sum(len(line) + 1 for line in self._part)

    def _drop_half(self) -> None:
        """The store is away for long, or the play is louder than it: the older half is lost."""
        half = len(self._part) // 2
        self._first += half
        self._part = self._part[half:]
        self._unwritten = self._size()


class Outputs:
    """Reading it."""

    def __init__(self, kv: KV, sealer: Sealer) -> None:
        self._kv = kv
        self._sealer = sealer

    def read(self, said: Said, after: int = 0, tail: int = 0) -> tuple[tuple[int, str], ...]:
        """Numbered lines that are on record, later than line `after`; of those the last `tail` (0: all)."""
        found = [line for line in self._below(said)[0] if line[0] > after]
        return tuple(found[-tail:] if tail else found)

    def follow(self, said: Said, after: int, stop: Event, beat_s: float = BEAT_S) -> Iterator[tuple[int, str] | None]:
        """The same, and what comes, to the end of the play; None as a heartbeat."""
        prefix = keys.output(said.number)
        while not stop.is_set():
            lines, over, revision = self._below(said)
            for number, text in lines:
                if number > after:
                    after = number
                    yield number, text
            if over:
                return
            try:
                for change in follow(self._kv, prefix, revision, stop, beat_s):
                    if change is None:
                        yield None
                    elif change.key == keys.end(said.number):
                        return
                    elif change.value is not None:
                        for number, text in _unpacked(change.key, change.value, self._sealer, said):
                            if number > after:
                                after = number
                                yield number, text
                return
            except Compacted:
                continue

    def _below(self, said: Said) -> tuple[list[tuple[int, str]], bool, int]:
        """Lines, whether there will be no more, and the store revision of both."""
        prefix = keys.output(said.number)
        seen = self._kv.snapshot(prefix)
        end = keys.end(said.number)
        parts = (_unpacked(key, seen.items[key].value, self._sealer, said) for key in sorted(seen.items) if key != end)
        return [line for part in parts for line in part], end in seen.items, seen.revision


def _packed(lines: list[str], sealer: Sealer, said: Said) -> str:
    raw = zlib.compress(json.dumps(lines, ensure_ascii=False).encode("utf-8", "replace"))
    return sealer.seal(base64.b64encode(raw).decode(), said.place)


def _unpacked(key: str, value: str, sealer: Sealer, said: Said) -> Lines:
    """
    Raises:
        BadRecord: it is no part of this play's output.
    """
    try:
        first = int(key.rpartition("/")[2])
        lines = json.loads(zlib.decompress(base64.b64decode(sealer.open(value, said.place))))
    except (ValueError, zlib.error, SealError) as error:
        raise BadRecord(f"{key} is no output of play {said.number}") from error
    return ((first + at, str(text)) for at, text in enumerate(lines))
