"""Who has which host and path: given to one application in the commit of its deployment, and to no other meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from appserver.core.entities import AppKey, Application, Revision
from appserver.core.expose import Expose
from appserver.core.routes import Held
from appserver.errors import BadRecord, Conflict, Invalid
from appserver.ports import KV
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import find, read


class Claims:
    """What an application does not expose any more is anybody's, whether or not its claim is still on record."""

    def __init__(self, kv: KV, own_hosts: Collection[str] = ()) -> None:
        """`own_hosts` are the site's own: who has one of them would be taken for the app server."""
        self._kv = kv
        self._own = frozenset(own_hosts)

    def take(
        self, key: AppKey, exposes: Collection[Expose], giver: AppKey | None = None
    ) -> tuple[Mapping[str, int], Mapping[str, str]]:
        """What the commit that gives them to the application expects, and what it writes.

        Args:
            giver: an application whose claims are no reason against it, and stay its own until they are passed on.
        Raises:
            Conflict: another application has one of them. Invalid: one is the site's own.
        """
        wanted: dict[str, set[str]] = {}
        for one in exposes:
            if one.host in self._own:
                raise Invalid("x-moorage.expose", f"{one.host} is where the app server itself is reached")
            wanted.setdefault(one.host, set()).add(one.path)
        if not wanted:
            return {}, {}
        seen = self._kv.snapshot(*(keys.route(host) for host in wanted))
        expect: dict[str, int] = {}
        puts: dict[str, str] = {}
        for host, paths in wanted.items():
            stored = find(seen, keys.route(host), Held)
            held = stored.record if stored else Held()
            after = {**held.paths, **{path: self._given(key, host, path, held, giver) for path in paths}}
            if after != held.paths:
                puts[keys.route(host)] = encode(replace(held, paths=after))
            expect[keys.route(host)] = stored.revision if stored else 0
        return expect, puts

    def pass_on(
        self, giver: AppKey, key: AppKey, exposes: Collection[Expose]
    ) -> tuple[Mapping[str, int], Mapping[str, str]]:
        """What the commit expects and writes by which the application gets those of them that the giver has."""
        seen = self._kv.snapshot(*(keys.route(host) for host in {one.host for one in exposes}))
        wanted = {(one.host, one.path) for one in exposes}
        expect: dict[str, int] = {}
        puts: dict[str, str] = {}
        for host in sorted({one.host for one in exposes}):
            if stored := find(seen, keys.route(host), Held):
                held = stored.record.paths
                mine = {p: str(key) for p, holder in held.items() if holder == str(giver) and (host, p) in wanted}
                expect[keys.route(host)] = stored.revision
                if mine:
                    puts[keys.route(host)] = encode(replace(stored.record, paths={**held, **mine}))
        return expect, puts

    def prune(self) -> int:
        """Claims of what nobody exposes any more go; how many."""
        gone = 0
        listed = self._kv.snapshot(keys.ROUTES)
        for where in listed.items:
            stored = find(listed, where, Held)
            held = stored.record.paths if stored else {}
            host = where.removeprefix(keys.ROUTES)
            left = {path: holder for path, holder in held.items() if self._wants(holder, host, path)}
            if stored and len(left) < len(held):
                puts = {where: encode(Held(left))} if left else {}
                gone += bool(self._kv.commit({where: stored.revision}, puts, [] if left else [where]))
        return gone

    def _given(self, key: AppKey, host: str, path: str, held: Held, giver: AppKey | None) -> str:
        holder = held.paths.get(path, str(key))
        if giver and holder == str(giver):
            return holder
        if holder != str(key) and self._wants(holder, host, path):
            raise Conflict(f"x-moorage.expose: {host}{path} is {holder}'s")
        return str(key)

    def _wants(self, holder: str, host: str, path: str) -> bool:
        """Whether the application exposes it, in the revision in force or in the newest."""
        try:
            key = keys.parse_app(holder)
            stored = read(self._kv, keys.application(key), Application)
            if stored is None:
                return False
            numbers = {stored.record.revision, stored.record.latest} - {0}
            found = [read(self._kv, keys.revision(key, number), Revision) for number in numbers]
        except (Invalid, BadRecord):
            return False
        exposed = {(e.host, e.path) for one in found if one for e in one.record.options.expose}
        return (host, path) in exposed
