"""What is asked of the world that is told of updates: a URL to post to, a server that takes mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from appserver.core.sendings import Result


@dataclass(frozen=True, slots=True)
class Post:
    """`where` is what a reason calls the URL, which may be secret itself: the key that names it."""

    where: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    proxy: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Letter:
    """`server` is a URL, with user and password. `id` is made into its Message-ID."""

    server: str = field(repr=False)
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    id: str


class Posts(Protocol):
    def post(self, what: Post, ready: Callable[[], None]) -> Result:
        """Once, in bounded time, following nothing. `ready` is called when only the message is left to be sent.

        Raises:
            whatever `ready` raises: then nothing was sent.
        """


class Mails(Protocol):
    def send(self, letter: Letter, ready: Callable[[], None]) -> Result:
        """As `Posts.post`. Taken for some of those it is for counts as sent, and the reason names the others."""
