"""One try to hand a notice over, in bounded time. What breaks off once the message is under way may have arrived."""

from __future__ import annotations

from collections.abc import Callable

from appserver.adapters.registry_deadline import Deadline
from appserver.core.sendings import Result
from appserver.errors import Invalid


def tried(
    act: Callable[[Deadline, Callable[[], None]], Result],
    ready: Callable[[], None],
    limit_s: float,
    breaks: tuple[type[Exception], ...],
    why: Callable[[Exception], str],
    unreached: str = "not reached",
) -> Result:
    """What `act` says of it. It holds its connections to the deadline, and calls what it is given before the message.

    Args:
        ready: see `ports.notices.Posts`.
        breaks: what `act` raises where the conversation breaks off, which `why` has words for.
        unreached: how a reason begins where nothing was sent yet.
    """
    begun = False

    def begin() -> None:
        nonlocal begun
        ready()
        begun = True

    deadline = Deadline(limit_s)
    try:
        return act(deadline, begin)
    except Invalid as error:
        return Result("refused", str(error))
    except breaks as error:
        told = f"nothing for {limit_s:g} s" if deadline.is_over else why(error)
        if begun:
            return Result("unknown", f"no answer to what was sent: {told}")
        return Result("again", f"{unreached}: {told}")
    finally:
        deadline.end()
