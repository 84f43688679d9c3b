"""git push to the repository of releases: what is tagged as a release is one, or nothing of the push is taken."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

from appserver.core import push as core
from appserver.core import push_text, refs
from appserver.core.access import Caller, require
from appserver.core.config_tree import MAX_FAULTS, Fault
from appserver.core.events import PIPELINE
from appserver.core.refs import TAGS, RefUpdate
from appserver.core.release import HOSTED
from appserver.core.release_kept import tags_of
from appserver.core.release_lint import faults_of
from appserver.core.release_refs import REPOSITORY, faults, one_commit, release_tags
from appserver.errors import AppServerError, Invalid, InvalidMany, UserError
from appserver.ports import Repositories, Say
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.release_place import Examined, ReleasePlace
from appserver.services.releases import Releases

log = logging.getLogger(__name__)

_SUBJECT = f"source:{REPOSITORY}"
_UNAPPROVED = "takes an administrator, or a signature that config/release-signers asks for: its playbooks run as root"


class ReleasePush:
    """What `web/git.py` stands on, of this one repository. A read needs R on `source:releases`, a push U.

    A tag that is to be a release needs C on updates besides, or somebody's signature who may sign releases.
    """

    def __init__(
        self,
        *,
        repositories: Repositories,
        place: ReleasePlace,
        releases: Releases,
        audit: Audit,
        events: Events,
    ) -> None:
        self._repositories = repositories
        self._place = place
        self._releases = releases
        self._audit = audit
        self._events = events

    def advertise(self, caller: Caller, name: str, service: str, protocol: str) -> Iterator[bytes]:
        """
        Raises:
            Forbidden
        """
        self._require(caller, "U" if service == "git-receive-pack" else "R")
        return self._repositories.advertise(name, service, protocol)

    def upload(self, caller: Caller, name: str, body: Iterable[bytes], protocol: str) -> Iterator[bytes]:
        """A clone or a fetch."""
        self._require(caller, "R")
        return self._repositories.upload(name, body, protocol)

    def receive(self, caller: Caller, name: str, body: Iterable[bytes], protocol: str) -> Iterator[bytes]:
        """A push. What comes back is git's own answer, with our lines in it."""
        self._require(caller, "U")
        push = _OnePush(caller, self._place, self._releases, self._audit, self._events)
        return self._repositories.receive(name, body, protocol, push)

    def _require(self, caller: Caller, letter: str) -> None:
        if letter == "U":
            self._audit.require(caller, letter, _SUBJECT, "push")
        else:
            require(caller, letter, _SUBJECT)
        self._place.ensure()


class _OnePush:
    """`ports.Receiver`. What was examined before any reference moved is put on record after."""

    def __init__(self, caller: Caller, place: ReleasePlace, releases: Releases, audit: Audit, events: Events) -> None:
        self._caller = caller
        self._place = place
        self._releases = releases
        self._audit = audit
        self._events = events
        self._seen: tuple[Examined, ...] = ()

    def check(
        self, updates: Sequence[RefUpdate], options: Sequence[str], environment: Mapping[str, str], say: Say
    ) -> bool:
        detail = ", ".join(f"{update.ref} {refs.short(update.new)}" for update in updates[:5])
        action = "plan push" if "plan" in options else "push"
        try:
            with self._audit.of(self._caller, action, _SUBJECT, detail):
                plan_only = core.plan_only(options)
                self._seen = self._examined(updates, environment)
        except UserError as error:
            found = faults_of(error) if isinstance(error, Invalid) else (("", str(error)),)
            for line in push_text.refused(found):
                say(line)
            return False
        for one in self._seen:
            signed = f", signed by {one.signed_by}" if one.signed_by else ""
            say(push_text.plain(f"{one.tag}: checked, {_steps(one)}{signed}"))
        if plan_only:
            say(core.PLAN_ONLY)
        elif not self._seen:
            say(f"{REPOSITORY}: stored; a release is a tag such as test-2026.11.22-1")
        return not plan_only

    def accepted(self, updates: Sequence[RefUpdate], say: Say) -> None:
        moved = {update.ref.removeprefix(TAGS) for update in updates}
        for one in self._seen:
            if one.tag in moved:
                self._events.emit(PIPELINE, "create", "INFO", REPOSITORY, f"{one.tag} was pushed", self._caller.name)
                self._keep(one, say)

    def close(self) -> None:
        """Nothing is held."""

    def _keep(self, one: Examined, say: Say) -> None:
        """On record at once, where releases are taken from here: another app server may be the one that looks."""
        if self._place.source() != HOSTED:
            say("stored; config/release-repository names another repository that releases are taken from")
            return
        try:
            self._releases.record(one)
        except AppServerError as error:
            log.warning("event=release_not_recorded tag=%s reason=%r", one.tag, str(error))
            say(push_text.plain(f"{one.tag}: stored, and on record later: {error}"))

    def _examined(self, updates: Sequence[RefUpdate], environment: Mapping[str, str]) -> tuple[Examined, ...]:
        """
        Raises:
            InvalidMany: every fault of every release.
        """
        found = list(faults(updates))
        seen: list[Examined] = []
        if not found:
            known = {**tags_of(self._releases.kept(), HOSTED), **self._place.commits()}
            for tag, id_ in release_tags(updates).items():
                try:
                    one = self._place.examine(tag, id_, environment)
                except Invalid as error:
                    found += [_of(tag, fault) for fault in faults_of(error)]
                    continue
                found += [fault] if (fault := one_commit(tag, one.commit, known)) else []
                found += [] if one.signed_by or self._caller.may("C", "update:") else [(tag, _UNAPPROVED)]
                known[tag] = one.commit
                seen.append(one)
        if found:
            raise InvalidMany(tuple(found[:MAX_FAULTS]))
        return tuple(seen)


def _of(tag: str, fault: Fault) -> Fault:
    where, why = fault
    return (tag if where in ("", tag) else f"{tag}: {where}"), why


def _steps(one: Examined) -> str:
    steps, count = one.release.steps, len(one.release.steps)
    return f"{count} step{'' if count == 1 else 's'}: {', '.join(step.name for step in steps)[:200]}"
