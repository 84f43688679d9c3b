"""The decision of a deployment: literals in, steps with their causes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core import compose
from appserver.core.containers import ImageFacts
from appserver.core.deploy import decide, restore
from appserver.core.entities import Application, Desired, Drift, Observed, Revision
from appserver.errors import Conflict, InvalidMany
from image_config import Repository
from tests.unit.appserver.core.deploying import ANN, BASE, IMAGES, KEY, NOW, OPERATOR, WANTED, after, seal, seen, steps


def test_a_first_deployment_creates_every_service() -> None:
    """Revision 1, on the node with room, images pinned, the claim of the whole project reserved."""
    plan = decide(WANTED, seen(), ANN, seal)
    assert steps(plan) == {"web": "create", "db": "create"}
    assert (plan.revision, plan.node, plan.changed) == (1, "n1", True)
    assert plan.record is not None
    services = compose.services(plan.record.project)
    assert (services["web"]["image"], services["db"]["image"]) == ("acme/web@sha256:11", "sha256:bb")
    assert plan.claims[plan.node].memory == 64 * 2**20 + 100 * 2**20
    assert plan.desired == {"n1": Desired(1, 0, by="ann")}


def test_a_label_configures_but_never_privileges() -> None:
    """A stranger's image may ask for memory; what it may not ask for is told and not followed."""
    plan = decide(WANTED, seen(), OPERATOR, seal)
    assert plan.record is not None
    web = compose.services(plan.record.project)["web"]
    assert web["mem_limit"] == str(64 * 2**20)
    assert "privileged" not in web
    assert any("arg.privileged" in warning for warning in plan.warnings)


def test_the_same_again_changes_nothing() -> None:
    """No revision, no step, nothing to commit."""
    again = decide(WANTED, after(decide(WANTED, seen(), ANN, seal)), ANN, seal)
    assert (again.changed, again.record, again.text) == (False, None, "nothing to do\n")


def test_a_first_revision_that_failed_is_tried_again_when_asked() -> None:
    """It never came into force: the same files are a new revision, and every service is to be created."""
    first = decide(WANTED, seen(), ANN, seal)
    assert first.record
    given_up = after(first, unsettled=0)
    given_up = replace(
        given_up,
        application=replace(first.application, revision=0),
        observed={"n1": Observed(5, 0, "failed", NOW, failed=1)},
    )
    again = decide(WANTED, given_up, ANN, seal)
    assert again.record is not None
    assert (again.record.number, again.changed, steps(again)) == (2, True, {"web": "create", "db": "create"})
    assert {step.cause for step in again.steps} == {"revision 1 did not come up"}


def test_one_changed_value_recreates_one_service_and_names_its_line() -> None:
    """The cause is the option, before and after, and the file and line that say so."""
    repository = Repository(
        {"default/web.yml": "# colours\nenvironment:\n  SHAPE: round\nmem_limit: 32M\n"}, "3f2c1a" * 7
    )
    first = decide(WANTED, seen(), ANN, seal)
    plan = decide(WANTED, after(first, repository=repository, commits={"config": "3f2c1a" * 7}), ANN, seal)
    assert steps(plan) == {"web": "recreate", "db": "none"}
    assert "web: recreate — " in plan.text
    assert "mem_limit 64M → 32M, from 3f2c1a:default/web.yml:4" in plan.text
    assert "environment.SHAPE round, from 3f2c1a:default/web.yml:3" in plan.text
    assert plan.superseded == 0


def test_values_in_a_plan_are_written_as_in_a_file() -> None:
    """Lists and truths as JSON, which is YAML too: no spelling of Python's."""
    layer = "init: true\nhealthcheck:\n  test: [CMD, 'true']\n"
    first = decide(WANTED, seen(), ANN, seal)
    plan = decide(WANTED, after(first, repository=Repository({"web.yml": layer}, "c" * 40)), ANN, seal)
    assert "init true, from cccccc:web.yml:1" in plan.text
    assert 'healthcheck.test ["CMD", "true"], from cccccc:web.yml:3' in plan.text


def test_a_removed_service_and_a_new_one_are_told() -> None:
    """What leaves the project is removed, what comes is created."""
    first = decide(WANTED, seen(), ANN, seal)
    base = {**BASE, "services": {"web": BASE["services"]["web"], "cache": {"image": "acme/db:1"}}}  # type: ignore[index]
    plan = decide(WANTED, after(first, base=base, images={"web": IMAGES["web"], "cache": IMAGES["db"]}), ANN, seal)
    assert steps(plan) == {"cache": "create", "db": "remove", "web": "none"}


def test_a_moved_tag_recreates_by_its_new_digest() -> None:
    """The same reference with another content is another image."""
    first = decide(WANTED, seen(), ANN, seal)
    moved = {**IMAGES, "db": ImageFacts("acme/db:1", "sha256:cc", "sha256:cc")}
    plan = decide(WANTED, after(first, images=moved), ANN, seal)
    assert steps(plan) == {"web": "none", "db": "recreate"}
    assert "image sha256:bb → sha256:cc" in plan.text


def test_drift_makes_work_without_a_new_revision() -> None:
    """Deploying the same again mends what was changed by hand."""
    first = decide(WANTED, seen(), ANN, seal)
    before = after(first)
    adrift = replace(before.observed["n1"], drift=(Drift("db", "missing", "running", "none"),))
    plan = decide(WANTED, replace(before, observed={"n1": adrift}), ANN, seal)
    assert (plan.changed, plan.record, steps(plan)["db"]) == (True, None, "create")
    assert plan.desired["n1"].revision == 1


def test_a_stale_token_is_refused() -> None:
    """Whatever the plan stood on must still hold: the records, the images, the configuration."""
    first = decide(WANTED, seen(), ANN, seal)
    asked = replace(WANTED, token=first.token)
    assert decide(asked, seen(), ANN, seal).token == first.token
    for changed in (
        {"application": replace(first.application, latest=4), "desired": {"n1": Desired(4, 0)}},
        {"images": {**IMAGES, "db": ImageFacts("acme/db:1", "sha256:cc", "sha256:cc")}},
        {"repository": Repository({"web.yml": "mem_limit: 1M\n"}, "c" * 40)},
    ):
        with pytest.raises(Conflict):
            decide(asked, seen(**changed), ANN, seal)


def test_secrets_are_sealed_wherever_they_come_from() -> None:
    """From the form, from git: no plan, record, diff or explanation holds one."""
    repository = Repository({"web.yml": "environment:\n  API_TOKEN: fromgit\n  PLAIN: seen\n"}, "c" * 40)
    given = {"ROOT_PASSWORD": "fromform", "ADDRESS": "db?password=fromform"}
    asked = replace(WANTED, overrides={"db": {"environment": given}})
    plan = decide(asked, seen(repository=repository), ANN, seal)
    assert plan.record is not None
    shown = repr((plan.to_json(), plan.record))
    assert "fromgit" not in shown and "fromform" not in shown
    assert "seen" in shown and "tigmorf" in repr(plan.record.project)


def test_policy_binds_everyone_but_administrators() -> None:
    """The merged result is judged, whichever layer asked."""
    asked = replace(WANTED, overrides={"web": {"privileged": True}})
    with pytest.raises(InvalidMany, match=r"web\.privileged"):
        decide(asked, seen(), OPERATOR, seal)
    assert decide(asked, seen(), ANN, seal).changed


def test_faults_are_told_all_at_once() -> None:
    """A person mends a repository in one pass."""
    repository = Repository({"web.yml": "mem_limt: 1M\n", "db.yml": "cpus: many\n"}, "c" * 40)
    with pytest.raises(InvalidMany) as refused:
        decide(WANTED, seen(repository=repository), ANN, seal)
    told = str(refused.value)
    assert "web.yml:1" in told and "mem_limit" in told and "db.yml:1" in told


@pytest.mark.parametrize("copies", [{"scale": 2}, {"deploy": {"replicas": 2}}])
def test_copies_cannot_share_a_host_port(copies: dict[str, object]) -> None:
    """Refused before anything is changed; a port that the engine picks, or one of a range, is not in the way."""

    def base(published: str) -> dict[str, object]:
        web = {"image": "acme/web:1", "ports": [{"target": 80, "published": published, "protocol": "tcp"}], **copies}
        return {**BASE, "services": {"web": web}}

    with pytest.raises(InvalidMany) as refused:
        decide(WANTED, seen(base=base("8080")), ANN, seal)
    assert [where for where, _ in refused.value.faults] == ["web.ports"]
    assert steps(decide(WANTED, seen(base=base("8080-8081")), ANN, seal)) == {"web": "create"}
    assert steps(decide(WANTED, seen(base=base("")), ANN, seal)) == {"web": "create"}


def test_a_rollback_restores_the_project_to_the_byte() -> None:
    """Same images by digest, same configuration, same environment, under a new number."""
    first = decide(WANTED, seen(), ANN, seal)
    second = decide(replace(WANTED, overrides={"web": {"mem_limit": "1M"}}), after(first), ANN, seal)
    assert second.record is not None and first.record is not None
    target: Revision = first.record
    back = restore(KEY, target, after(second), OPERATOR, "it was better")
    assert back.record is not None
    assert (back.record.number, back.record.restores, back.record.digest) == (3, 1, target.digest)
    assert compose.to_text(back.record.project) == compose.to_text(target.project)
    assert steps(back) == {"web": "recreate", "db": "none"}


def test_overrides_keep_the_name_they_came_with() -> None:
    """A later deployment by somebody else does not claim values it did not bring."""
    asked = replace(WANTED, overrides={"web": {"mem_limit": "1M"}})
    first = decide(asked, seen(), ANN, seal)
    later = decide(replace(asked, files=WANTED.files), replace(after(first), now=NOW.replace(hour=12)), OPERATOR, seal)
    assert later.changed is False
    changed = decide(
        asked, after(first, images={**IMAGES, "db": ImageFacts("acme/db:1", "sha256:cc", "sha256:cc")}), OPERATOR, seal
    )
    assert changed.record is not None
    assert (changed.record.author, changed.record.overrides_by) == ("bob", "ann")


def test_an_unsettled_revision_is_superseded() -> None:
    """A deployment in mid-flight is overtaken on record, never forgotten."""
    first = decide(WANTED, seen(), ANN, seal)
    flying = replace(
        after(first), application=Application("shop", "default", "compose.yaml", NOW, 0, 1, nodes=("n1",)), unsettled=1
    )
    plan = decide(replace(WANTED, overrides={"web": {"mem_limit": "1M"}}), flying, ANN, seal)
    assert (plan.superseded, plan.desired["n1"].previous) == (1, 0)


def test_what_runs_is_not_taken_over_as_a_stack() -> None:
    """Its containers are an engine's; the stack's would be others, beside them."""
    with pytest.raises(InvalidMany, match="cannot become a stack's"):
        decide(replace(WANTED, adopt="n1"), seen(in_swarm=True), ANN, seal)


def test_a_stack_reserves_nothing() -> None:
    """A manager's agent looks after it; where it runs is Swarm's business. What Swarm cannot do is refused."""
    plan = decide(WANTED, seen(in_swarm=True), ANN, seal)
    assert plan.record is not None
    assert (plan.desired["n1"].stack, plan.claims["n1"].memory) == (True, 0)
    assert compose.services(plan.record.project)["web"]["deploy"]["mode"] == "replicated"  # type: ignore[index]
    devices = {"web": {"security_opt": ["no-new-privileges"]}}
    with pytest.raises(InvalidMany, match=r"web\.security_opt"):
        decide(replace(WANTED, overrides=devices), seen(in_swarm=True), ANN, seal)


@pytest.mark.parametrize(
    ("option", "value"), [("cap_add", ["NET_ADMIN"]), ("sysctls", {"net.a": "1"}), ("ports", ["53:53"])]
)
def test_policy_holds_for_a_stack_too(option: str, value: object) -> None:
    """Who may not ask for it of an engine may not ask for it of a Swarm."""
    wanted = replace(WANTED, overrides={"web": {option: value}})
    with pytest.raises(InvalidMany, match="only an administrator"):
        decide(wanted, seen(in_swarm=True), OPERATOR, seal)
    assert decide(wanted, seen(in_swarm=True), ANN, seal).changed
