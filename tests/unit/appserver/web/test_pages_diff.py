"""Differences as rows."""

from __future__ import annotations

from appserver.web.pages_diff import Row, between, rows


def test_lines_are_numbered_on_the_side_they_belong_to():
    """A removed line has an old number, an added one a new, and the numbers go on behind them."""
    assert rows("--- a\n+++ b\n@@ -7,3 +7,3 @@\n web:\n-  mem: 256M\n+  mem: 512M\n  end\n") == (
        Row("hunk", "line 7"),
        Row("same", "web:", 7, 7),
        Row("del", "  mem: 256M", 8, 0),
        Row("add", "  mem: 512M", 0, 8),
        Row("same", " end", 9, 9),
    )


def test_a_removed_line_that_begins_with_dashes_is_a_line():
    """`-- a comment` removed reads `--- a comment`, as a file header does."""
    before, after = "-- a comment\nx\n", "x\n"
    assert [row.text for row in rows(between(before, after)) if row.kind == "del"] == ["-- a comment"]


def test_equal_texts_have_no_rows():
    """Nothing changed, nothing shown."""
    assert rows(between("a\n", "a\n")) == ()
