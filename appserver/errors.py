"""The one tree of errors. An edge maps the branch to a status; callers catch the branch."""

import re

_QUOTED = re.compile(r'"[^"]*"')


class AppServerError(Exception):
    """Everything this program raises on purpose."""

    @property
    def on_record(self) -> str:
        """What audit and logs keep of it: the same, without what it repeats of values that may be secret."""
        return str(self)


class UserError(AppServerError):
    """The caller can mend it: 4xx, exit 2."""


class Invalid(UserError):
    """422. `where` points into what was sent (`web.ports/0`, `dev/web.yml:4`), `why` is a sentence.

    `kept` is the sentence for the record, where `why` repeats what was sent.
    """

    def __init__(self, where: str, why: str, kept: str = "") -> None:
        super().__init__(_line(where, why))
        self.where = where
        self.why = why
        self.kept = kept

    @property
    def on_record(self) -> str:
        return _line(self.where, self.kept or self.why)


class InvalidMany(Invalid):
    """422 with every fault at once, so that a person mends a file in one pass."""

    def __init__(self, faults: tuple[tuple[str, str], ...]) -> None:
        where, why = faults[0]
        super().__init__(where, why)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(_line(where, why) for where, why in self.faults)

    @property
    def on_record(self) -> str:
        """Option values are told in quotes, and stay out."""
        return "\n".join(_line(where, _QUOTED.sub("…", why)) for where, why in self.faults)


class Unauthenticated(UserError):
    """401: nobody is known to be calling."""


class Forbidden(UserError):
    """403: somebody known may not do this."""


class NotFound(UserError):
    """404."""


class Conflict(UserError):
    """409: what the decision stood on has changed; nothing was written."""


class PreconditionFailed(UserError):
    """412: If-Match named a version that is no longer the newest."""


class TooLarge(UserError):
    """413: more than this door takes."""


class TooMany(UserError):
    """429: slow down; `retry_after_s` says for how long."""

    def __init__(self, why: str, retry_after_s: float) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class NoPlacement(UserError):
    """409: every node refused. `reasons` maps node name to its first reason; `nearest` says what would fit, or ""."""

    def __init__(self, reasons: dict[str, str], nearest: str = "") -> None:
        told = "; ".join(f"{node}: {why}" for node, why in sorted(reasons.items())) or "the cluster has no nodes"
        super().__init__(f"no node can take it: {told}" + (f". Nearest: {nearest}" if nearest else ""))
        self.reasons = reasons
        self.nearest = nearest


class BackendError(AppServerError):
    """What we stand on failed: 502, exit 1."""


class StoreError(BackendError):
    """etcd did not answer, or refused."""


class Denied(StoreError):
    """The store knows who asks, and does not let them: asking again will not help."""


class Compacted(StoreError):
    """The revision asked for is gone: list again and watch from there."""


class LeadershipLost(StoreError):
    """The lease behind a leadership or a registration ended."""


class BadRecord(BackendError):
    """What stands under one key is not what belongs there. The store is well, and so is every other record."""


class EngineError(BackendError):
    """Docker Engine did not answer, or refused."""


class ComposeError(BackendError):
    """Compose ended badly. `output` is the tail of what it said, without secrets."""

    def __init__(self, why: str, output: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.output = output


class SealError(BackendError):
    """A secret was not sealed with this machine's key."""


class RepoError(BackendError):
    """A git repository could not be read."""


class RegistryError(BackendError):
    """An image registry did not answer, or refused."""


class NodeError(BackendError):
    """An agent did not answer a live read."""


class ProxyError(BackendError):
    """The HTTP proxy of this host did not answer, or refused."""


class PlaybookError(BackendError):
    """A playbook ended badly."""


class BmcError(BackendError):
    """The board that manages a host's hardware did not answer, or refused."""


class LoginRefused(BmcError):
    """It answered, and does not take this user with this password."""


def _line(where: str, why: str) -> str:
    return f"{where}: {why}" if where else why
