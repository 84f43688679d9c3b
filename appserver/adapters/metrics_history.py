"""`ports.MetricHistory`: samples in files of a directory, bounded by time and by size.

Each level has a directory of files that are written one after the other, and go whole, the oldest first. No file is
written over; one that a crash left torn is cut back to its last whole record before it is written on.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from appserver.adapters import metrics_segment as segment
from appserver.core.metrics import Sample, Subject
from appserver.core.metrics_fold import Level
from appserver.errors import BackendError

log = logging.getLogger(__name__)

_FILES = 16
"""Of one level at its full length: what goes at once is a sixteenth."""
_SUFFIX = ".samples"


class MetricFiles:
    """Opened with the first call: what is there is read through once. One writes, any number read."""

    def __init__(self, folder: Path, levels: Sequence[Level], limit: int) -> None:
        """
        Args:
            levels: finest first; it alone is kept without peaks.
            limit: bytes that all files together may have; each level has its share of it, by what it is to hold.
        """
        sizes = [level.keep_s / level.step_s * (1 if level is levels[0] else 2) for level in levels]
        self._levels = {
            level.name: _Files(folder / level.name, level, int(limit * size / sum(sizes)), level is not levels[0])
            for level, size in zip(levels, sizes, strict=True)
        }

    def append(self, level: str, sample: Sample) -> None:
        """See `ports.MetricHistory`."""
        files = self._levels[level]
        try:
            with files.lock:
                files.append(sample)
        except OSError as error:
            files.forget()
            raise BackendError(f"{files.folder}: {error.strerror}") from error

    def spans(self) -> Mapping[str, tuple[int, int]]:
        """See `ports.MetricHistory`."""
        found = {}
        for name, files in self._levels.items():
            with files.lock:
                times = [at for one in files.all() for at in (one.oldest, one.newest) if at is not None]
            if times:
                found[name] = (min(times), max(times))
        return found

    def read(
        self, level: str, start: int, end: int, wanted: Callable[[Subject], bool] = lambda _: True
    ) -> Iterator[Sample]:
        """See `ports.MetricHistory`."""
        files = self._levels[level]
        with files.lock:
            paths = [one.path for one in files.all() if one.meets(start, end)]
        for path in paths:
            try:
                raw = path.read_bytes()
            except OSError:  # it went since, being the oldest
                continue
            yield from segment.samples(raw, start, end, wanted)


@dataclass(slots=True)
class _File:
    path: Path
    size: int
    oldest: int | None = None
    newest: int | None = None

    def meets(self, start: int, end: int) -> bool:
        return self.oldest is not None and self.newest is not None and self.oldest < end and start <= self.newest

    def note(self, at: int) -> None:
        self.oldest = at if self.oldest is None else min(at, self.oldest)
        self.newest = at if self.newest is None else max(at, self.newest)


@dataclass(slots=True)
class _Files:
    """One level. `share` in bytes."""

    folder: Path
    level: Level
    share: int
    peaks: bool
    lock: Lock = field(default_factory=Lock)
    _known: list[_File] | None = None
    _layout: segment.Layout | None = None
    """Of the last sample that was written to the newest file."""

    def all(self) -> list[_File]:
        """Oldest first."""
        if self._known is None:
            found = sorted(self.folder.glob(f"*{_SUFFIX}")) if self.folder.is_dir() else []
            self._known = [one for path in found if (one := _looked_at(path)) is not None]
        return self._known

    def append(self, sample: Sample) -> None:
        layout = segment.layout_of(sample)
        told, number = segment.layout_record(layout)
        record = segment.sample_record(sample, layout, number, self.peaks)
        file = self._to_write(sample.at, len(told) + len(record))
        if layout != self._layout or file.oldest is None:
            record = told + record
        _write(file, record)
        file.note(sample.at)
        self._layout = layout

    def forget(self) -> None:
        """What is there is looked at again: somebody else may have removed it."""
        with self.lock:
            self._known = self._layout = None

    def _to_write(self, at: int, more: int) -> _File:
        """The newest file, or one more where it is full; what is too old or too much is gone then."""
        known = self.all()
        last = known[-1] if known else None
        full = last is None or (
            last.oldest is not None
            and (last.size + more > self.share // _FILES or abs(at - last.oldest) >= self.level.keep_s // _FILES)
        )
        if last is None or full:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            turn = int(last.path.name.removesuffix(_SUFFIX)) + 1 if last else 1
            last = _File(self.folder / f"{turn:08d}{_SUFFIX}", 0)
            known.append(last)
        self._drop(known, at - self.level.keep_s, more)
        return last

    def _drop(self, known: list[_File], before: int, more: int) -> None:
        total = sum(one.size for one in known) + more + len(segment.HEAD)
        while len(known) > 1 and (total > self.share or (known[0].newest is not None and known[0].newest < before)):
            total -= known[0].size
            known[0].path.unlink(missing_ok=True)
            del known[0]


def _looked_at(path: Path) -> _File | None:
    """None where it is not one of ours, or nothing is in it: it goes."""
    try:
        span = segment.span(path.read_bytes())
        if span is None or span.newest is None or not path.name.removesuffix(_SUFFIX).isdecimal():
            log.warning("event=metrics_file_removed path=%s reason='holds no samples'", path)
            path.unlink()
            return None
        return _File(path, span.end, span.oldest, span.newest)
    except OSError as error:
        log.warning("event=metrics_file_not_read path=%s reason=%s", path, error)
        return None


def _write(file: _File, record: bytes) -> None:
    """After the last whole record, whatever a write that was cut short left there."""
    whole = record if file.size else segment.HEAD + record
    handle = os.open(file.path, os.O_WRONLY | os.O_CLOEXEC | (0 if file.size else os.O_CREAT), 0o600)
    try:
        if os.fstat(handle).st_size < file.size:
            raise OSError(errno.EIO, f"{file.path.name} is shorter than it was")
        os.ftruncate(handle, file.size)
        if os.pwrite(handle, whole, file.size) < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(handle)
    file.size += len(whole)
