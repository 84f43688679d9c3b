"""How a program of ours that goes by the store starts, runs and ends."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Protocol, TypeVar

from appserver.cli import notify
from appserver.cli.logs import begin
from appserver.cli.signals import set_on_signals
from appserver.settings import StoreSettings, check_files

S = TypeVar("S", bound=StoreSettings)


class Program(Protocol):
    def run(self, stop: Event) -> None: ...


def run(settings: S, build: Callable[[S], Program]) -> None:
    """In the main thread, until a signal. Ready is what is built, not yet what runs.

    Raises:
        Invalid: a file that a setting names cannot be read; and what `build` raises.
    """
    check_files(settings)
    begin(settings.log_level)
    stop = Event()
    set_on_signals(stop)
    program = build(settings)
    notify.ready()
    program.run(stop)
