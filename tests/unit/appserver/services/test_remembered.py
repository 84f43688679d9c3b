"""What is remembered is bounded by number and by size."""

from __future__ import annotations

from appserver.services.remembered import Remembered


def test_equal_texts_are_made_once_and_the_least_used_goes_first():
    made: list[str] = []
    held = Remembered[str](2, weigh=len)

    def ask(text: str) -> str:
        return held(text, lambda: made.append(text) or text)

    for text in ("a", "b", "a", "c", "a", "b"):
        assert ask(text) == text
    assert made == ["a", "b", "c", "b"]


def test_few_large_ones_are_forgotten_before_their_number_is_reached():
    """Renderings may be megabytes each."""
    made: list[str] = []
    held = Remembered[str](100, weigh=len, most_bytes=10)

    def ask(text: str) -> str:
        return held(text, lambda: made.append(text) or text)

    for text in ("aaaaaa", "bbbb", "aaaaaa", "cccc", "aaaaaa", "bbbb"):
        ask(text)
    assert made == ["aaaaaa", "bbbb", "cccc", "bbbb"]


def test_one_that_is_too_large_by_itself_drives_no_other_out():
    made: list[str] = []
    held = Remembered[str](100, weigh=len, most_bytes=10)

    def ask(text: str) -> str:
        return held(text, lambda: made.append(text) or text)

    for text in ("aaaa", "b" * 11, "aaaa", "b" * 11):
        assert ask(text) == text
    assert made == ["aaaa", "b" * 11, "b" * 11]
