"""Samples in files: what is written is read, what is torn costs itself alone, and there is never more than allowed."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appserver.adapters import metrics_segment as segment
from appserver.adapters.metrics_history import MetricFiles
from appserver.core.metrics import FIELDS, Sample, Subject
from appserver.core.metrics_fold import Level
from appserver.errors import BackendError

NODE = Subject("node")
LEVELS = (Level("10s", 10, 3_600), Level("1m", 60, 36_000))

floats = st.floats(width=32, allow_infinity=False)
subjects = st.builds(
    Subject,
    st.sampled_from(sorted(FIELDS)),
    st.text(max_size=12),
    st.sampled_from(("", "default.shop")),
    st.text(max_size=5),
)
numbers = st.lists(floats, max_size=9)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Of any subjects, with as many numbers as some version had."""
    means = draw(st.dictionaries(subjects, numbers, max_size=6))
    peaks = {
        subject: draw(st.lists(floats, min_size=len(values), max_size=len(values))) for subject, values in means.items()
    }
    return Sample(draw(st.integers(0, 1 << 40)), means, peaks)


def same(one: Sequence[float], other: Sequence[float]) -> bool:
    return struct.pack(f"{len(one)}f", *one) == struct.pack(f"{len(other)}f", *other) or all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True)
    )


def written(given_: Sequence[Sample], peaks: bool) -> tuple[bytes, list[int]]:
    """A file of these, and where each record ends."""
    raw, ends = segment.HEAD, []
    for one in given_:
        layout = segment.layout_of(one)
        told, number = segment.layout_record(layout)
        raw += told + segment.sample_record(one, layout, number, peaks)
        ends.append(len(raw))
    return raw, ends


def read(raw: bytes) -> list[Sample]:
    return list(segment.samples(raw, 0, 1 << 41, lambda _: True))


@given(st.lists(samples(), max_size=5), st.booleans())
def test_what_is_written_is_read(given_: list[Sample], peaks: bool) -> None:
    """To the last bit that is kept; without peaks the averages stand for them."""
    found = read(written(given_, peaks)[0])
    assert [one.at for one in found] == [one.at for one in given_]
    for one, other in zip(found, given_, strict=True):
        assert one.means.keys() == other.means.keys()
        for subject in one.means:
            assert same(one.means[subject], other.means[subject])
            assert same(one.peaks[subject], (other.peaks if peaks else other.means)[subject])


@given(st.lists(samples(), min_size=1, max_size=5), st.booleans(), st.data())
def test_a_file_that_was_cut_anywhere_has_what_was_whole(
    given_: list[Sample], peaks: bool, data: st.DataObject
) -> None:
    """And tells where it is to be written on."""
    raw, ends = written(given_, peaks)
    cut = data.draw(st.integers(len(segment.HEAD), len(raw)))
    whole = sum(end <= cut for end in ends)
    assert [one.at for one in read(raw[:cut])] == [one.at for one in given_[:whole]]
    span = segment.span(raw[:cut])
    assert span and span.end <= cut
    assert (span.oldest, span.newest) == (
        (min(one.at for one in given_[:whole]), max(one.at for one in given_[:whole])) if whole else (None, None)
    )
    assert [one.at for one in read(raw[: span.end] + written(given_, peaks)[0][len(segment.HEAD) :])] == [
        one.at for one in (*given_[:whole], *given_)
    ]


@given(st.lists(samples(), min_size=1, max_size=4), st.data())
def test_a_damaged_byte_costs_what_it_is_in(given_: list[Sample], data: st.DataObject) -> None:
    """Nothing is read that was not written, and nothing breaks."""
    raw, _ = written(given_, True)
    at = data.draw(st.integers(len(segment.HEAD), len(raw) - 1))
    damaged = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    known = {(one.at, len(one.means)) for one in given_}
    assert all((one.at, len(one.means)) in known for one in read(damaged))


def test_only_what_is_wanted_is_read() -> None:
    """By time, and by subject."""
    net = Subject("network", "eth0")
    raw, _ = written([Sample(at, {NODE: [at], net: [-at]}, {}) for at in (10, 20, 30)], False)
    found = list(segment.samples(raw, 20, 30, lambda subject: subject.kind == "network"))
    assert found == [Sample(20, {net: (-20,)}, {net: (-20,)})]


def test_what_a_later_version_wrote_is_passed_over() -> None:
    """Its kinds are not known here; the rest of the file is read."""
    later = Sample(10, {Subject("gpu", "0"): [1]}, {})  # type: ignore[arg-type]
    raw, _ = written([later, Sample(20, {NODE: [1]}, {})], False)
    assert [one.at for one in read(raw)] == [20]
    assert segment.span(b"something else") is None
    assert read(b"something else") == []


def sample(at: int, width: int = 12) -> Sample:
    return Sample(at, {NODE: [float(at % 1000)] * width}, {NODE: [1.0] * width})


def times(files: MetricFiles, level: str = "10s") -> list[int]:
    return [one.at for one in files.read(level, 0, 1 << 40)]


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


steps = st.lists(st.tuples(st.integers(-50, 900), st.integers(1, 40)), min_size=1, max_size=120)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(steps, st.integers(4_000, 60_000))
def test_there_is_never_more_than_allowed_nor_older(given_: list[tuple[int, int]], limit: int) -> None:
    """However long, however wide and however the clock goes: what is left is the newest, without a gap."""
    with TemporaryDirectory() as name:
        files, at, taken = MetricFiles(Path(name), LEVELS, limit), 100_000, []
        for forward, width in given_:
            at += forward
            files.append("10s", sample(at, width))
            taken.append(at)
            share = limit * 360 // (360 + 2 * 600)
            one_file = max(share // 16, max(w for _, w in given_) * 4 + 200)
            assert bytes_in(Path(name)) <= max(share, 2 * one_file)
        left = times(files)
        assert left == taken[len(taken) - len(left) :], "the newest, in the order in which they came"
        assert left, "the last one is always there"
        assert times(MetricFiles(Path(name), LEVELS, limit)) == left, "also for who opens it anew"
        if all(forward >= 0 for forward, _ in given_):
            assert left[0] >= at - 3_600 - 3_600 // 16 - 900, "a sixteenth more than is to be kept, at the most"
        assert files.spans() == {"10s": (min(left), max(left))}


def test_what_a_crash_left_is_cut_back(tmp_path: Path) -> None:
    """The torn record is gone, those before it stay, and what comes is written behind them."""
    files = MetricFiles(tmp_path, LEVELS, 1 << 20)
    for at in (10, 20, 30):
        files.append("10s", sample(at))
    (path,) = tmp_path.rglob("*.samples")
    path.write_bytes(path.read_bytes()[:-5])
    again = MetricFiles(tmp_path, LEVELS, 1 << 20)
    assert times(again) == [10, 20]
    again.append("10s", sample(40))
    assert times(again) == times(MetricFiles(tmp_path, LEVELS, 1 << 20)) == [10, 20, 40]
    assert list(tmp_path.rglob("*.samples")) == [path]


@pytest.mark.parametrize("left", [b"", b"moor", b"rubbish that is long enough to be one"])
def test_a_file_that_is_none_of_ours_is_removed(tmp_path: Path, left: bytes) -> None:
    """A crash right after it was made leaves an empty one."""
    (tmp_path / "10s").mkdir()
    (tmp_path / "10s" / "00000007.samples").write_bytes(left)
    files = MetricFiles(tmp_path, LEVELS, 1 << 20)
    assert times(files) == []
    files.append("10s", sample(10))
    assert times(files) == [10]
    assert [path.name for path in tmp_path.rglob("*.samples")] == ["00000001.samples"]


def test_files_that_somebody_removes_are_made_anew(tmp_path: Path) -> None:
    """One sample is lost, and it is said why."""
    files = MetricFiles(tmp_path, LEVELS, 1 << 20)
    files.append("10s", sample(10))
    next(tmp_path.rglob("*.samples")).unlink()
    with pytest.raises(BackendError, match="No such file"):
        files.append("10s", sample(20))
    files.append("10s", sample(30))
    assert times(files) == [30]


def test_a_full_disk_loses_what_comes_and_nothing_else(tmp_path: Path) -> None:
    """What was there is read; when there is room again it is written on. (/dev/full cannot be a file of ours.)"""
    files = MetricFiles(tmp_path, LEVELS, 1 << 20)
    files.append("10s", sample(10))
    (path,) = tmp_path.rglob("*.samples")
    before = path.read_bytes()
    path.write_bytes(before + segment.sample_record(sample(20), (), 0, False)[:7])  # as far as the room went
    files.append("10s", sample(30))
    assert times(files) == [10, 30]


def test_levels_are_kept_apart(tmp_path: Path) -> None:
    """Coarse ones with their peaks."""
    files = MetricFiles(tmp_path, LEVELS, 1 << 20)
    files.append("10s", sample(10))
    files.append("1m", sample(0))
    assert files.spans() == {"10s": (10, 10), "1m": (0, 0)}
    (coarse,) = files.read("1m", 0, 60)
    assert coarse.peaks[NODE] == (1.0,) * 12
