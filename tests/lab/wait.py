"""Waiting for a condition, with a deadline that says what did not come about."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 10.0) -> None:
    """Return once `condition()` is true; fail the test with `what` when it does not become so in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.01)


def wait_for_words(ask: Callable[[], str], words: str, timeout_s: float = 10.0) -> None:
    """Return once `ask()` has these words in it; fail the test with what it said last when it does not in time."""
    last = ""

    def said() -> bool:
        nonlocal last
        last = ask()
        return words in last

    try:
        wait_until(said, words, timeout_s)
    except AssertionError as error:
        raise AssertionError(f"{error}; last: {last}") from None
