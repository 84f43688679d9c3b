"""What a play said: kept in parts, sealed, bounded, read and followed from any line."""

from __future__ import annotations

import random
from threading import Event, Thread

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.errors import BadRecord
from appserver.services import play_output
from appserver.services.play_output import KEPT, Output, Outputs, Said
from appserver.store import plays as keys
from tests.lab.wait import wait_until

SAID = Said(7, "m")
SEALER = KeySealer(bytes(32))


def texts(kv: MemoryKV, after: int = 0, tail: int = 0) -> list[str]:
    return [text for _, text in Outputs(kv, SEALER).read(SAID, after, tail)]


def test_lines_are_read_as_they_were_said():
    """Whole, from a line on, or the last ones; each with its number."""
    kv = MemoryKV()
    output = Output(kv, SEALER, SAID)
    output.add("\r\nPLAY [x] ***\r\nok: [a]")
    output.write()
    output.add("10%\r100%")
    output.write()
    assert Outputs(kv, SEALER).read(SAID) == ((1, ""), (2, "PLAY [x] ***"), (3, "ok: [a]"), (4, "100%"))
    assert texts(kv, after=2) == ["ok: [a]", "100%"]
    assert texts(kv, tail=1) == ["100%"]
    assert output.lines == 4


def test_the_newest_part_grows_until_it_is_full():
    """A play that says a line a second does not leave a key for each."""
    kv = MemoryKV()
    output = Output(kv, SEALER, SAID)
    for number in range(1000):
        output.add(f"line {number} {'x' * 40}")
        output.write()
    assert len(kv.snapshot(keys.output(7)).items) < 5
    assert len(texts(kv)) == 1000


def test_it_is_bounded_and_the_newest_stays():
    """However much is said, and however badly it packs."""
    kv, luck = MemoryKV(), random.Random(1)
    output = Output(kv, SEALER, SAID)
    for _ in range(20_000):
        output.add(luck.randbytes(40).hex())
        if output.is_loud:
            output.write()
    output.add("the end")
    output.write()
    kept = kv.snapshot(keys.output(7)).items
    assert sum(len(item.value) for item in kept.values()) <= KEPT
    numbers = [number for number, _ in Outputs(kv, SEALER).read(SAID)]
    assert numbers[-1] == output.lines == 20_001
    assert numbers == list(range(numbers[0], 20_002))


def test_a_store_that_is_away_costs_the_oldest_lines_alone(monkeypatch: pytest.MonkeyPatch):
    """What waits is bounded too; numbers stay those that lines were said by."""
    monkeypatch.setattr(play_output, "_MOST_PENDING", 1000)
    kv = MemoryKV()
    output = Output(kv, SEALER, SAID)
    for number in range(1, 501):
        output.add(f"line {number}")
    output.write()
    found = Outputs(kv, SEALER).read(SAID)
    assert found[-1] == (500, "line 500")
    assert all(text == f"line {number}" for number, text in found)
    assert found[0][0] > 1


def test_a_long_line_is_cut():
    """With its length."""
    kv = MemoryKV()
    output = Output(kv, SEALER, SAID)
    output.add("x" * 100_000)
    output.write()
    (line,) = texts(kv)
    assert line.endswith("… (100000 characters)")
    assert len(line) < 4100


def test_nobody_reads_it_in_the_store():
    """It may hold what a playbook should not have said; and one play's is not another's."""
    kv = MemoryKV()
    output = Output(kv, SEALER, SAID)
    output.add("root password: x")
    output.write()
    ((key, item),) = kv.snapshot(keys.output(7)).items.items()
    assert item.value.startswith("sealed:v1:")
    kv.commit({}, {key.replace("00000007", "00000008"): item.value})
    with pytest.raises(BadRecord, match="no output of play 8"):
        Outputs(kv, SEALER).read(Said(8, "other"))


def test_who_follows_hears_every_line_once_to_the_end():
    """Those before, those to come, also in a part that grows, and over a compaction."""
    kv = MemoryKV()
    output = Output(kv, SEALER, SAID)
    output.add("one")
    output.write()
    heard: list[tuple[int, str] | None] = []
    follower = Thread(target=lambda: heard.extend(Outputs(kv, SEALER).follow(SAID, 0, Event())))
    follower.start()
    for word in ("two", "three"):
        output.add(word)
        output.write()
    kv.compact(kv.snapshot("").revision)
    output.add("four")
    output.write()
    kv.commit({}, {keys.end(7): "done"})
    follower.join(10)
    assert not follower.is_alive()
    assert heard == [(1, "one"), (2, "two"), (3, "three"), (4, "four")]
    assert list(Outputs(kv, SEALER).follow(SAID, 3, Event())) == [(4, "four")]


def test_a_write_without_the_hosts_is_none():
    """An app server whose lock has gone writes no more."""
    kv = MemoryKV()
    output = Output(kv, SEALER, SAID)
    output.add("late")
    assert not output.write({keys.lock("web1"): 5})
    assert texts(kv) == []
    wait_until(lambda: output.lines == 1, "the line is still known")
