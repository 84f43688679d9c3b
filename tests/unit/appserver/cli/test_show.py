"""What is printed: aligned, bounded, and never obeyed by the terminal."""

from __future__ import annotations

import pytest

from appserver.cli import show


def test_columns_are_aligned_and_end_without_blanks() -> None:
    """Two blanks apart."""
    assert list(show.aligned([["NAME", "STATE"], ["shop", "running"], ["a", ""]])) == [
        "NAME  STATE",
        "shop  running",
        "a",
    ]


@pytest.mark.parametrize("text", ["\x1b[2J", "\x1b]0;t\x07", "a\rb", "\x9b31m", "\u202egnp.exe", "\x00", "\x7f"])
def test_control_characters_are_written_out(text: str) -> None:
    """No text of a stranger moves the cursor, sets a title or turns the direction of writing."""
    shown = show.clean(text)
    assert shown.isprintable() and shown != text


def test_lines_of_a_log_keep_their_colours_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Colour is kept, the rest is shown; off a terminal click takes colours away too."""
    show.log_line("\x1b[31mred\x1b[0m \x1b[2J")
    assert capsys.readouterr().out == "red \\x1b[2J\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (["a", 1], "a, 1"),
        ({"a": 1}, "a=1"),
        ("2026-11-21T07:40:09.123456+00:00", "2026-11-21 07:40:09Z"),
        ("2026-11-21T07:40:09Z", "2026-11-21 07:40:09Z"),
        ("plain", "plain"),
        (0.5, "0.5"),
    ],
)
def test_values_of_json_as_people_read_them(value: object, text: str) -> None:
    """Times short and in UTC, lists with commas."""
    assert show.text(value) == text


def test_sizes_have_units() -> None:
    """Bytes in, the largest fitting unit out."""
    assert (show.size(512 << 20), show.size(3 << 30), show.size(10), show.size(None)) == (
        "512.0 MiB",
        "3.0 GiB",
        "10.0 B",
        "",
    )


def test_fields_within_fields() -> None:
    """A missing one is nothing."""
    item = {"a": {"b": 1}, "c": None}
    assert [show.field(item, name) for name in ("a.b", "a.x", "c.d", "z")] == [1, None, None, None]
