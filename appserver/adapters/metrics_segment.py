"""The bytes of a file of samples: records that each stand for themselves, so that a torn one costs no other.

A file is `HEAD`, then records: length and CRC-32 of what follows (`<II`), then that. It is a layout (`L`, JSON: the
subjects and how many numbers each has) or a sample (`S`, or `P` with peaks: CRC-32 of its layout and Unix time, `<Iq`,
then 32-bit floats, means before peaks). A sample without its layout is not read, nor is what a CRC does not fit.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from appserver.core.metrics import FIELDS, Kind, Sample, Subject

HEAD = b"moorage metrics 1\n"
_FRAME = struct.Struct("<II")
_SAMPLE = struct.Struct("<Iq")
_LONGEST = 4 << 20

Layout = tuple[tuple[Subject, int], ...]
"""Subjects in the order of their numbers, and how many each has."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a file holds: the end of its last whole record, and the times of its samples; None without any."""

    end: int
    oldest: int | None
    newest: int | None


def layout_of(sample: Sample) -> Layout:
    return tuple((subject, len(sample.means[subject])) for subject in sorted(sample.means))


def layout_record(layout: Layout) -> tuple[bytes, int]:
    """The record, and the number by which samples name it."""
    told = [[s.kind, s.name, s.application, s.service, width] for s, width in layout]
    text = json.dumps(told, separators=(",", ":")).encode()
    return _record(b"L" + text), zlib.crc32(text)


def sample_record(sample: Sample, layout: Layout, number: int, peaks: bool) -> bytes:
    """
    Args:
        number: of the layout.
        peaks: whether they are kept too; else they are taken for the means.
    """
    flat = [value for subject, _ in layout for value in sample.means[subject]]
    if peaks:
        flat += [value for subject, _ in layout for value in sample.peaks[subject]]
    numbers = struct.pack(f"<{len(flat)}f", *flat)
    return _record((b"P" if peaks else b"S") + _SAMPLE.pack(number, sample.at) + numbers)


def span(raw: bytes) -> Span | None:
    """None where it is no file of ours."""
    if not raw.startswith(HEAD):
        return None
    end, times = len(HEAD), []
    for at, payload in _records(raw):
        end = at + _FRAME.size + len(payload)
        if payload[:1] in (b"S", b"P") and len(payload) > _SAMPLE.size:
            times.append(_SAMPLE.unpack_from(payload, 1)[1])
    return Span(end, min(times, default=None), max(times, default=None))


def samples(raw: bytes, start: int, end: int, wanted: Callable[[Subject], bool]) -> Iterator[Sample]:
    """Those of a file from `start` until before `end`, with the subjects that are wanted."""
    layouts: dict[int, _Places] = {}
    if not raw.startswith(HEAD):
        return
    for _, payload in _records(raw):
        if payload[:1] == b"L":
            if (layout := _layout(payload[1:])) is not None:
                layouts[zlib.crc32(payload[1:])] = _Places.of(layout, wanted)
        elif payload[:1] in (b"S", b"P") and len(payload) > _SAMPLE.size:
            number, at = _SAMPLE.unpack_from(payload, 1)
            places = layouts.get(number)
            if places and start <= at < end:
                yield from places.read(payload, at)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the wanted subjects' numbers are in a sample of one layout."""

    width: int
    subjects: Sequence[tuple[Subject, int, int]]

    @classmethod
    def of(cls, layout: Layout, wanted: Callable[[Subject], bool]) -> _Places:
        found, begin = [], 0
        for subject, width in layout:
            if wanted(subject):
                found.append((subject, begin, begin + width))
            begin += width
        return cls(begin, found)

    def read(self, payload: bytes, at: int) -> Iterator[Sample]:
        many = self.width * (2 if payload[:1] == b"P" else 1)
        if len(payload) != 1 + _SAMPLE.size + 4 * many:
            return
        flat = struct.unpack_from(f"<{many}f", payload, 1 + _SAMPLE.size)
        means = {subject: flat[begin:end] for subject, begin, end in self.subjects}
        if many == self.width:
            yield Sample(at, means, means)
        else:
            shift = self.width
            yield Sample(at, means, {s: flat[begin + shift : end + shift] for s, begin, end in self.subjects})


def _record(payload: bytes) -> bytes:
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _records(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Where each begins, and what it holds. One that its CRC does not fit is passed over; a torn one is the end."""
    at = len(HEAD)
    while at + _FRAME.size <= len(raw):
        length, crc = _FRAME.unpack_from(raw, at)
        payload = raw[at + _FRAME.size : at + _FRAME.size + length]
        if not 0 < length <= _LONGEST or len(payload) < length:
            return
        if zlib.crc32(payload) == crc:
            yield at, payload
        at += _FRAME.size + length


def _layout(text: bytes) -> Layout | None:
    """None where it is of a version that knows other kinds."""
    found = []
    for kind, name, application, service, width in json.loads(text):
        if kind not in FIELDS:
            return None
        found.append((Subject(cast(Kind, kind), name, application, service), int(width)))
    return tuple(found)
