"""Java properties with their lines, bounded."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_config.errors import ConfigError
from image_config.properties import pairs


def test_lines_survive_comments_continuations_and_crlf():
    """The line is where the entry begins."""
    text = "# c\r\n\r\na=1\r\nb : two \\\r\n    three\r\n! d\nc\nd=\\u00e9\\t\\\\\ne.f = g=h"
    assert pairs(text, "f") == (
        ("a", "1", 3),
        ("b", "two three", 4),
        ("c", "", 7),
        ("d", "é\t\\", 8),
        ("e.f", "g=h", 9),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a=1\nb=\\u12", "f:2: has \\u without"),
        ("a=1\na=2", "f:2: a: is given a second time; it is given already on line 1"),
        ("a=\0", "NUL"),
        ("\ufeffa=1", "byte order mark"),
        (b"a=\xff", "UTF-8"),
        ("a=1\nb=" + "x" * 70_000, "f:2: has more than"),
        ("a=1\nb=\\\n" + "x" * 70_000, "f:2: has more than"),
        ("ok=1\na=" + "x\\\n" * 5_000, "f:2: is continued over more than"),
    ],
)
def test_refused(text, why):
    """With the line."""
    with pytest.raises(ConfigError) as caught:
        pairs(text, "f")
    assert why in str(caught.value)


def test_continued_lines_cannot_cost_much():
    """Joining is quadratic in the library; the worst that is let through is quick."""
    worst = "".join(f"a{n}=" + "\\\n".join(["x\u2028" * 500] * 64) + "\n" for n in range(8))
    started = time.process_time()
    assert len(pairs(worst, "f")) == 8
    with pytest.raises(ConfigError):
        pairs("a=" + "\\\\\\\n" * 200_000, "f")
    assert time.process_time() - started < 3


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=60) | st.text("ab=: \t\f\\\n\r#!u0123", max_size=60))
def test_any_text_gives_pairs_or_a_config_error(text):
    """Nothing else comes out of the door."""
    try:
        found = pairs(text, "f")
    except ConfigError as error:
        assert error.file == "f"
    else:
        assert all(1 <= line <= text.count("\n") + text.count("\r") + 1 for _, _, line in found)
