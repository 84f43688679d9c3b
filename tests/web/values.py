"""Literal values for every state that a page can show, some of them written by strangers who mean ill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from appserver.core.deployment import DeployPlan, DeployRequest
from appserver.core.entities import AppKey, Cause, Drift, ProjectFiles, ServiceObserved
from appserver.core.operations import Operation
from appserver.core.placement.request import Claim
from appserver.core.plan import Step, ValueChange
from appserver.core.revision_views import RevisionView
from appserver.core.updates import Rollout, Update
from appserver.core.views import AppView, CopyView

NOW = datetime.now(UTC)
Explained = tuple[str, Mapping[str, object]]
EVIL = '<script>document.title="owned"</script>'
"""What a stranger writes where a name or a line is expected."""
SHOP, BLOG, WIKI, MAIL, FERRY = (AppKey("default", name) for name in ("shop", "blog", "wiki", "mail", "ferry"))
DIGEST = "sha256:8f1c0f6e2b7d4a9c51e3f7b2d9a8c6e4f1b3d5a7c9e2f4b6d8a1c3e5f7b9d2a4"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


SERVICES = (
    ServiceObserved("cache", "running", "none", "none", "", ("shop-cache-1",), DIGEST),
    ServiceObserved("db", "running", "healthy", "none", "", ("shop-db-1",), DIGEST),
    ServiceObserved(
        "web", "running", "healthy", "recreate", "mem_limit 256M → 512M", ("shop-web-1", "shop-web-2"), DIGEST
    ),
)
CAUSE = Cause(
    "web",
    "exited with code 1 while it was watched",
    1,
    "GET http://127.0.0.1:8080/healthz: dial tcp 127.0.0.1:8080: connect: connection refused",
    (
        "2026-11-21T07:31:04Z INFO  starting shop-web 2.3.0",
        "2026-11-21T07:31:04Z INFO  \x1b[32mconnecting to db:5432\x1b[0m",
        f"2026-11-21T07:31:05Z ERROR bad setting LEVEL={EVIL}",
        "2026-11-21T07:31:05Z FATAL cannot go on",
    ),
)
ROLLOUT = Rollout(
    5,
    4,
    Update(percentage=30),
    ago(minutes=2),
    ("harbour-2", "quay-7"),
    (),
    ("harbour-1",),
    paused="by ada: a look first",
)
DRIFT = (
    Drift("web", "memory", "512M", "256M"),
    Drift("db", "container", "running", "exited"),
)


def app(key: AppKey, state: str, **more: Any) -> AppView:
    plain = AppView(
        key=key,
        state=cast(Any, state),
        reason="",
        revision=4,
        wanted=4,
        latest=4,
        node="harbour-1",
        services=SERVICES,
        expected=("cache", "db", "web"),
        drift=(),
        causes=(),
        ports={"web": ("*:8080/tcp",)},
        created_at=ago(days=41),
        changed_at=ago(minutes=3),
        source="config",
        version=812,
    )
    return replace(plain, **more)


APPS = {
    one.key: one
    for one in (
        app(SHOP, "running"),
        app(BLOG, "degraded", reason="web: memory 512M → 256M", drift=DRIFT, revision=12, wanted=12, latest=12),
        app(
            WIKI,
            "deploying",
            reason="web: watched until healthy",
            wanted=5,
            latest=5,
            changed_at=ago(seconds=4),
            operation="default.wiki.5.900",
            services=(*SERVICES[:2], replace(SERVICES[2], health="starting")),
        ),
        app(MAIL, "failed", reason=CAUSE.why, causes=(CAUSE,), revision=0, wanted=1, latest=1, services=()),
        app(
            FERRY,
            "deploying",
            reason=str(ROLLOUT),
            wanted=5,
            latest=5,
            node=", ".join(ROLLOUT.nodes),
            services=tuple(replace(s, containers=(f"ferry-{s.name}-1.{n}",)) for n in ROLLOUT.nodes for s in SERVICES),
            copies=tuple(
                CopyView(node, node != "quay-7", "running", 5 if done else 4, 5 if done else 4, "done", "3 of 3 are up")
                for node, done in (("harbour-1", True), ("harbour-2", False), ("quay-7", False))
            ),
            rollout=ROLLOUT,
        ),
        app(
            AppKey("default", "build-cache"),
            "stopped",
            reason="stopped on request",
            node="harbour-2",
            changed_at=ago(days=3),
        ),
        app(
            AppKey("edge", "proxy"),
            "unknown",
            reason="the agent on quay-7 is away; this is what it said last",
            node="quay-7",
        ),
    )
}

PROJECT = """\
name: shop
services:
  cache:
    image: cache@sha256:8f1c0f6e2b7d
    restart: unless-stopped
  db:
    environment:
      POSTGRES_PASSWORD: '***'
    image: db@sha256:1c0f6e2b7d4a
    volumes:
      - data:/var/lib/db
  web:
    environment:
      LEVEL: info
    image: web@sha256:e2b7d4a9c51e
    mem_limit: 256M
    ports:
      - 8080:8080
volumes:
  data: {}
"""
DIFF = """\
--- before
+++ after
@@ -14,8 +14,9 @@
   web:
     environment:
-      LEVEL: info
+      LEVEL: debug
+      TRACE: 'on'
     image: web@sha256:e2b7d4a9c51e
-    mem_limit: 256M
+    mem_limit: 512M
     ports:
       - 8080:8080
 volumes:
"""
PLAN = DeployPlan(
    key=SHOP,
    changed=True,
    token="5f2b" * 16,
    revision=5,
    nodes=("harbour-1",),
    steps=(
        Step("none", "cache", "", ()),
        Step(
            "recreate",
            "web",
            "configuration changed",
            (
                ValueChange("environment.LEVEL", "info", "debug", "form: ada at 2026-11-21 07:30"),
                ValueChange("environment.TRACE", None, "on", "3f2c1a9:dev/shop/web.yml:7"),
                ValueChange("mem_limit", "256M", "512M", "3f2c1a9:dev/shop/web.yml:4"),
            ),
        ),
        Step("create", "worker", "new service"),
        Step("remove", "cron", "no longer in the project"),
    ),
    warnings=("web: build is not used here; the image web:2.3 is",),
    diff=DIFF,
    commits={"config": "3f2c1a9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b"},
    stood_on={},
    record=None,
    application=cast(Any, None),
    desired={},
    claims={"harbour-1": Claim()},
)


def revision(number: int, outcome: str = "deployed", **more: Any) -> RevisionView:
    plain = RevisionView(
        number=number,
        author="ada",
        at=ago(hours=30 - 5 * number),
        reason="more memory for the sale",
        outcome=outcome,
        causes=(),
        commits={"config": "3f2c1a9d8e7f6a5b"},
        images={name: f"{name}@{DIGEST}" for name in ("cache", "db", "web")},
        references={"cache": "valkey:8.0", "db": "postgres:16", "web": "registry.lan:5000/shop/web:4.2"},
        restores=0,
        in_force=number == 4,
        digest=DIGEST,
        project=PROJECT.replace("256M", f"{64 * number}M"),
    )
    return replace(plain, **more)


HISTORY = (
    revision(4),
    revision(3, "failed", causes=(CAUSE,), reason=f"try {EVIL}", author="grace"),
    revision(2, reason="", restores=1, author="grace"),
    revision(1, reason="first deployment"),
)


def said(service: str, option: str, value: str, source: str, *hides: tuple[str, str], key: str = "") -> Explained:
    weaker = [{"value": text, "source": where} for text, where in hides]
    return service, {"option": option, "key": key, "value": value, "source": source, "hides": weaker}


LABEL = "label arg.memory of web@sha256:e2b7d4a9c51e"
EXPLAINED = (
    said("db", "environment", "***", "compose.yaml:9", key="POSTGRES_PASSWORD"),
    said("db", "volumes", "data:/var/lib/db", "compose.yaml:11", key="/var/lib/db"),
    said("web", "image", f"web@{DIGEST}", "compose.yaml:13"),
    said("web", "environment", EVIL, "form: ada at 2026-11-21 07:30", ("info", "compose.yaml:15"), key="LEVEL"),
    said("web", "mem_limit", "512M", "3f2c1a9:dev/shop/web.yml:4", ("256M", "compose.yaml:18"), ("128M", LABEL)),
    said("web", "restart", "unless-stopped", LABEL.replace("memory", "restart")),
)
COMPOSE = """\
services:
  web:
    image: web:2.3
    ports: ["8080:8080"]
    environment:
      LEVEL: info
    depends_on: [db]
  db:
    image: db:16
    environment:
      POSTGRES_PASSWORD: ${PASSWORD}
    volumes: [data:/var/lib/db]
volumes:
  data:
"""
INPUTS = DeployRequest(
    SHOP,
    ProjectFiles(
        "shop",
        {"compose.yaml": COMPOSE, "db/init.sql": "create table t (id int);\n"},
        env_file="PASSWORD=hunter2hunter2\n",
    ),
    {"web": {"mem_limit": "512M", "environment": {"LEVEL": "debug"}}},
)


STATES = ("running", "done", "failed", "superseded", "pending")


def operation(state: str, phase: str, step: str, **more: Any) -> Operation:
    plain = Operation(
        f"default.shop.5.{900 + STATES.index(state)}",
        SHOP,
        5,
        cast(Any, state),
        phase,
        step,
        SERVICES,
        (),
        900,
        ago(seconds=3),
    )
    return replace(plain, **more)


LOG = tuple(f"shop-web-1 | 07:31:0{i} GET /{'basket' if i % 2 else EVIL} 200" for i in range(9))
OPERATIONS = {
    one.id: one
    for one in (
        operation(
            "running",
            "settling",
            "web: watched until healthy",
            services=(*SERVICES[:2], replace(SERVICES[2], health="starting")),
        ),
        operation("done", "done", ""),
        operation("failed", "failed", f"web: {CAUSE.why}", causes=(CAUSE,)),
        operation("superseded", "done", "", services=()),
        operation("pending", "pending", "waiting for the agent", services=()),
    )
}
RUNNING, DONE, FAILED, SUPERSEDED, PENDING = (
    next(one for one in OPERATIONS.values() if one.state == state) for state in STATES
)
