"""Requests at a steady rate, each counted, and a WebSocket that stays open."""

from __future__ import annotations

import http.client
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Thread

TIMEOUT_S = 20
HERE = "127.0.0.1"


@dataclass(slots=True)
class Visits:
    """`answers` are what each request ended with: `200 text`, or the fault; `said` are their texts, in order."""

    answers: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    @property
    def failed(self) -> dict[str, int]:
        return {answer: number for answer, number in self.answers.items() if not answer.startswith("200")}

    @property
    def count(self) -> int:
        return sum(self.answers.values())


def ask(port: int, host: str, path: str = "/", method: str = "GET", at: str = HERE) -> tuple[int, str]:
    """Status and text, through the proxy at a port of this machine, or of another's address."""
    connection = http.client.HTTPConnection(at, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body=b"x" if method == "POST" else None, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace").strip()
    finally:
        connection.close()


@contextmanager
def visiting(
    port: int, host: str, path: str = "/", rate: float = 50.0, posts: int = 0, at: str = HERE
) -> Iterator[Visits]:
    """From the beginning of the block to its end; all have ended then. Each on a connection of its own.

    Args:
        posts: each of so many is a POST, which no proxy may ask twice; 0 for none.
        at: address of the proxy.
    """
    visits, over, number = Visits(), Event(), count()

    def once() -> str:
        method = "POST" if posts and next(number) % posts == 0 else "GET"
        try:
            status, text = ask(port, host, path, method, at)
            visits.said.append(text)
            return f"{status} {text}" if status == 200 else str(status)
        except (OSError, http.client.HTTPException) as error:
            return repr(error)

    def note(done: Future[str]) -> None:
        visits.answers[done.result()] += 1

    def keep_on() -> None:
        at = time.monotonic()
        while not over.is_set():
            pool.submit(once).add_done_callback(note)
            at += 1 / rate
            over.wait(max(0.0, at - time.monotonic()))

    with ThreadPoolExecutor(64, "visit") as pool:
        thread = Thread(target=keep_on)
        thread.start()
        try:
            yield visits
        finally:
            over.set()
            thread.join()


@contextmanager
def websocket(port: int, host: str, path: str = "/") -> Iterator[socket.socket]:
    """After the handshake; bytes pass as they are."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as opened:
        asked = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        opened.sendall(
            f"{asked}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            part = opened.recv(4096)
            assert part, head
            head += part
        assert head.startswith(b"HTTP/1.1 101"), head
        yield opened


def echoes(opened: socket.socket, text: str) -> bool:
    opened.sendall(f"{text}\n".encode())
    return opened.recv(4096).decode() == f"{text}\n"
