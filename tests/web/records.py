"""Literal values of what is beside applications: nodes, strays, news, deeds, people, sources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from appserver.core.access import Token, User
from appserver.core.audit import AuditEntry
from appserver.core.claims import Holder, Rival
from appserver.core.containers import EngineInfo, StrayProject
from appserver.core.entities import Source, SourceState
from appserver.core.events import Happening
from appserver.core.fleet import Condition, Node
from appserver.core.learned import Spread, Used
from appserver.core.placement.request import Claim
from appserver.core.routes import Route, Upstream
from appserver.services.deploy import Deployed
from appserver.services.handshake_view import StartUp
from appserver.services.learned import ServiceUsage
from appserver.services.moves import Moved
from appserver.services.nodes import NodeView
from appserver.services.placements_scores import NodeScore, Scores
from appserver.services.routes import RouteView
from appserver.services.sources import SourceView
from tests.web import values
from tests.web.values import EVIL, ago

HERE = Holder("quay-8", "192.0.2.8", "192.0.2.8:8090", "quay-8", "b00t", 1, 412, 4, "r1", ago(days=3))
TWIN = Holder("quay-8", "192.0.2.9", "192.0.2.9:8090", f"copy of {EVIL}", "c0de", 1, 9, 4, "r2", ago(hours=1))
TAKEN = "the name quay-8"
NODES = (
    NodeView(
        Node(
            "harbour-1",
            "harbour-1:8090",
            "default",
            0,
            {"disk": "ssd", "room": "a"},
            EngineInfo("26.1.5", 8.0, 33_285_996_544, "2.26.1"),
            (Condition("engine", True, "answers", ago(days=12)), Condition("disk", True, "61 % used", ago(days=2))),
        ),
        True,
        {"default.shop": Claim(), "default.blog": Claim()},
        7,
        "ok",
        "192.0.2.1",
    ),
    NodeView(
        Node(
            "harbour-2",
            "harbour-2:8090",
            "default",
            1,
            {},
            EngineInfo("26.1.5", 2.0, 4_105_060_352, "2.26.1"),
            (
                Condition("engine", False, "does not answer: connection refused", ago(minutes=4)),
                Condition("handshake", False, "init-new, and not further without the shared tree", ago(minutes=3)),
                Condition("shared-storage", False, "/srv/global does not answer: its server is away", ago(minutes=3)),
            ),
        ),
        True,
        {},
        8,
        "init-new",
        "192.0.2.2",
    ),
    NodeView(
        Node("quay-7", "quay-7:8090", "edge", conditions=(Condition("disk", True, "", ago(days=9)),)), False, {}, 9
    ),
    NodeView(
        Node("quay-8", "quay-8:8090", "edge"),
        True,
        {},
        10,
        "ok",
        "192.0.2.8",
        (Rival(TWIN, TAKEN, HERE, ago(hours=1)),),
    ),
)
START_UP = StartUp("harbour-1:8080", "new", 3, {"init-new": 1, "ok": 2}, 3)
STRAY = StrayProject(
    "metrics", ("/srv/metrics/compose.yaml",), "/srv/metrics", ("grafana", "prometheus"), {"compose.yaml": "x"}
)
UNREADABLE = StrayProject("legacy", ("/opt/legacy/docker-compose.yml",), "/opt/legacy", ("app",))
NEWS = (
    ("bus.cluman.log.application", "started", "INFO", "default.shop", "revision 4 is in force"),
    ("bus.cluman.log.application", "failed", "ERROR", "default.mail", f"revision 1 failed: web: {EVIL}"),
    ("bus.cluman.node", "offline", "WARNING", "quay-7", "the agent's lease ended"),
)
EVENTS = tuple((f"e{i}", Happening(*cast(Any, one), ago(minutes=3 + i), "ada")) for i, one in enumerate(NEWS))
DEEDS = (
    ("ada", "deploy", "application:default.shop", "ok", ""),
    ("grace", "delete", "application:default.shop", "refused", f"grace (viewer) may not delete {EVIL}"),
    ("ada", "restart", "application:default.blog", "failed", "StoreError"),
)
AUDIT = tuple((f"a{i}", AuditEntry(ago(hours=i), *cast(Any, one), "192.0.2.7")) for i, one in enumerate(DEEDS))
TOKENS = (
    Token("a1b2c3d4e5f60718", "ada", "u1", "operator", "", "laptop", ago(days=12), ago(days=-78)),
    Token("b1b2c3d4e5f60718", "grace", "u2", "viewer", "", f"ci of {EVIL}", ago(days=2)),
)
USERS = (
    User("u1", "ada", "admin", "$argon2", ago(days=41)),
    User("u2", "grace", "operator", "$argon2", ago(days=12), disabled=True),
    User("u3", "root@harbour-1", "admin", "", ago(days=41), system=True),
)
SOURCES = {
    "config": SourceView(
        Source("config", "hosted", ago(days=41)),
        SourceState(commit="3f2c1a9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b", at=ago(hours=5)),
        "http://harbour-1:8080/git/config.git",
        "",
        11,
    ),
    "ops": SourceView(
        Source("ops", "remote", ago(days=9), url="https://git.example.net/ops/config.git", webhook_secret="sealed"),
        SourceState(
            commit="9a8b7c6d5e4f",
            at=ago(days=1),
            pending={"default.blog": "another roll-out is under way"},
            error='dev/web.yml:4: mem_limit: "lots" is no size',
            error_commit="77aa",
            error_at=ago(minutes=2),
            checked_at=ago(minutes=1),
        ),
        "",
        "http://harbour-1:8080/hooks/ops",
        12,
    ),
}
MOVES = (
    Moved(values.SHOP, Deployed(replace(values.PLAN, nodes=("harbour-2", "quay-8")), "")),
    Moved(values.BLOG, None, "no node can take it: harbour-2: 1.5 cpus free, 2 asked for; quay-7: its agent is away"),
)
"""What draining a node comes to: one finds another place, one does not."""
SCORES = Scores(
    "spread",
    (
        NodeScore("harbour-1", True, 0.2812),
        NodeScore("harbour-2", False, 0.5, unmet=1),
        NodeScore("quay-7", False, why="its agent is away"),
        NodeScore("quay-8", False, why=f"constraint zone==a: zone is {EVIL}"),
    ),
    "harbour-2 could take it with 1.5 cpus instead of 2",
)
"""How nodes compare: it runs on one, another could take it, two refuse."""
USAGE = (
    ServiceUsage(
        "web",
        "quay/web:2",
        0.5,
        512 << 20,
        Used(f"quay/web {EVIL}", Spread(0.012, 0.31, 1.4), Spread(91e6, 120e6, 498e6), 3, 1_763_000_000),
    ),
    ServiceUsage("worker", "quay/worker:1", 0.0, 0, None),
)
"""Asked and used: of one service, another nobody ran."""
ROUTES = (
    RouteView(
        Route("shop.example.net", "/", "default.shop", (Upstream("harbour-1.0123456789ab.32768", "192.0.2.1", 32768),)),
        "https://shop.example.net/",
    ),
    RouteView(Route("shop.example.net", "/api", "default.shop"), "https://shop.example.net/api"),
)
