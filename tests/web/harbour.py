"""The real application over services that answer with literals: no etcd, no engine, every state at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Thread
from types import SimpleNamespace
from typing import cast

from flask import Flask
from werkzeug.serving import make_server

from appserver.core.access import Caller, Invite, require
from appserver.core.deployment import DeployPlan, DeployRequest
from appserver.core.entities import AppKey
from appserver.core.fleet import Cluster
from appserver.core.views import AppView
from appserver.errors import InvalidMany, NotFound, Unauthenticated
from appserver.services.bundle import Services
from appserver.services.clusters import ClusterView
from appserver.services.deploy import Deployed
from appserver.services.journal import Page
from appserver.settings import ServeSettings
from appserver.web.app import create_app
from tests.web import moving, records, values
from tests.web.boot_record import boards, boot_servers
from tests.web.measured import Measuring
from tests.web.plays_record import plays
from tests.web.site_settings import site_settings
from tests.web.updates_record import Record, record

ADA = Caller("ada", "admin", "192.0.2.7", "session")
SESSION = "s"
FAULTS = (
    ("web.ports/0", '"bad" is not a port'),
    ("compose.yaml:2", "mapping values are not allowed here"),
    ("overrides.web", "no such service in the project"),
)


@dataclass
class Harbour:
    """The services as the pages call them. `me` is whoever is logged in; what was asked of them is in `done`."""

    me: Caller = ADA
    apps: dict[AppKey, AppView] = field(default_factory=lambda: dict(values.APPS))
    plan: Callable[[DeployRequest], DeployPlan] = lambda wanted: replace(values.PLAN, key=wanted.key)
    apply: Callable[[DeployRequest], DeployPlan] = lambda wanted: replace(values.PLAN, key=wanted.key)
    done: list[tuple[object, ...]] = field(default_factory=list)
    updating: Record = field(default_factory=record)

    def app(self) -> Flask:
        made = create_app(self.services(), ServeSettings(), b"k" * 32)
        made.testing = True
        return made

    def services(self) -> Services:
        groups = [ClusterView(Cluster(name), (), (), ()) for name in ("default", "edge", "all")]
        found = SimpleNamespace(
            kv=SimpleNamespace(snapshot=lambda *_: None),
            access=self._access(),
            audit=SimpleNamespace(list=lambda *_, **__: Page(records.AUDIT, "older"), record=lambda *_: None),
            events=SimpleNamespace(list=lambda *_, **__: Page(records.EVENTS), follow=lambda *_, **__: iter(())),
            nodes=SimpleNamespace(list=lambda *_: records.NODES, show=_node),
            metrics=Measuring(),
            start_up=SimpleNamespace(show=lambda _: records.START_UP),
            boot=boot_servers(),
            bmc=boards(),
            plays=plays(),
            site=site_settings(),
            clusters=SimpleNamespace(list=lambda _: groups),
            deploy=_Deploy(self),
            applications=self._applications(),
            lifecycle=self._lifecycle(),
            cordons=SimpleNamespace(
                plan=lambda *_: records.MOVES,
                drain=self._told("drain", records.MOVES),
                cordon=self._told("cordon"),
                undrain=self._told("undrain"),
            ),
            routes=SimpleNamespace(list=lambda *_: records.ROUTES),
            transfers=SimpleNamespace(find=moving.MOVING.get, plan=moving.plan, begin=self._told("move")),
            rollouts=SimpleNamespace(pause=self._told("pause", "op"), resume=self._told("resume", "op")),
            operations=SimpleNamespace(
                get=lambda _, asked: values.OPERATIONS[asked],
                follow=lambda _, asked, *__: iter((values.OPERATIONS[asked],)),
            ),
            placement_scores=SimpleNamespace(
                of_application=lambda *_: records.SCORES, of_plan=lambda *_: records.SCORES
            ),
            learned=SimpleNamespace(of_application=lambda *_: records.USAGE, of_plan=lambda *_: records.USAGE),
            imports=SimpleNamespace(candidates=_strays, adopt=self._told("adopt")),
            sources=_sources(),
            clock=self.updating.clock,
            updates=self.updating.updates,
            update_list=self.updating.update_list,
            releases=self.updating.releases,
        )
        return cast(Services, found)

    def _access(self) -> object:
        def log_in(name: str, password: str, _: str) -> str:
            if (name, password) != (self.me.name, "right"):
                raise Unauthenticated("name or password is wrong")
            return SESSION

        tokens = SimpleNamespace(list=lambda _: records.TOKENS, create=_token, revoke=self._told("revoke"))
        users = SimpleNamespace(
            list=lambda _: records.USERS,
            show=lambda *_: SimpleNamespace(record=records.USERS[0]),
            invited=_invited,
            invite=lambda *_: "s3cret",
            accept=self._told("accept"),
            change=self._told("change"),
        )
        return SimpleNamespace(
            by_session=lambda secret, _: self.me if secret == SESSION else None,
            log_in=log_in,
            log_out=self._told("log out"),
            require=require,
            tokens=tokens,
            users=users,
        )

    def _applications(self) -> object:
        def show(_: Caller, key: AppKey) -> AppView:
            if key not in self.apps:
                raise NotFound(f"there is no application {key}")
            return self.apps[key]

        def inputs(caller: Caller, key: AppKey) -> DeployRequest:
            require(caller, "U", f"application:{key}")
            return values.INPUTS

        return SimpleNamespace(
            list=lambda _: tuple(self.apps.values()),
            show=show,
            history=lambda *_: values.HISTORY,
            revision=lambda _, __, number: next(one for one in values.HISTORY if one.number == number),
            explain=lambda *_: values.EXPLAINED,
            warnings=lambda *_: (),
            logs=lambda *_, **__: iter(values.LOG),
            export=lambda *_: {"compose.yaml": values.PROJECT},
            inputs=inputs,
        )

    def _lifecycle(self) -> object:
        def rollback(_: Caller, key: AppKey, number: int, token: str = "", dry_run: bool = False) -> Deployed:
            if not dry_run:
                self.done.append(("rollback", key, number, token))
            return Deployed(replace(values.PLAN, key=key), "" if dry_run else values.RUNNING.id)

        verbs = {verb: self._told(verb, values.PENDING.id) for verb in ("start", "stop", "restart", "delete")}
        return SimpleNamespace(**verbs, rollback=rollback)

    def _told(self, verb: str, answer: object = None) -> Callable[..., object]:
        """A service's method that writes down how it was called, the caller apart."""

        def act(*given: object, **named: object) -> object:
            self.done.append((verb, *(one for one in given if one is not self.me), *named.values()))
            return answer

        return act


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application on a port of its own, for a browser; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="harbour", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Deploy:
    def __init__(self, harbour: Harbour) -> None:
        self._harbour = harbour

    def plan(self, _: Caller, wanted: DeployRequest) -> DeployPlan:
        if "bad" in wanted.files.files["compose.yaml"]:
            raise InvalidMany(FAULTS)
        return self._harbour.plan(wanted)

    def __call__(self, _: Caller, wanted: DeployRequest) -> Deployed:
        self._harbour.done.append(("deploy", wanted))
        return Deployed(self._harbour.apply(wanted), values.RUNNING.id)


def _node(_: Caller, name: str) -> object:
    return next(view for view in records.NODES if view.node.name == name)


def _strays(_: Caller, node: str) -> tuple[object, ...]:
    return (records.STRAY, records.UNREADABLE) if node == "harbour-1" else ()


def _invited(secret: str) -> Invite:
    if secret != "first":
        raise NotFound("this link was used, or is older than a day: ask for a new one")
    return Invite("", "admin", values.NOW + timedelta(hours=3), "setup")


def _token(_: Caller, title: str, *__: object) -> tuple[object, str]:
    return replace(records.TOKENS[0], title=title), f"mrg_{'a1' * 8}_{'0f' * 32}"


def _sources() -> object:
    return SimpleNamespace(
        list=lambda _: tuple(records.SOURCES.values()),
        show=lambda _, name: records.SOURCES[name],
        put=lambda *_: replace(records.SOURCES["ops"], webhook_secret="made-just-now"),
        sync=lambda _, name, **__: records.SOURCES[name],
        delete=lambda *_: None,
    )
