"""What the forms of an application do: checked as a draft, planned, applied as planned, taken back."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

import pytest
from flask.testing import FlaskClient

from appserver.errors import Conflict, EngineError
from tests.web import values
from tests.web.harbour import Harbour
from tests.web.visiting import APP, FORM, logged_in, send


@pytest.fixture
def harbour() -> Harbour:
    return Harbour()


@pytest.fixture
def client(harbour: Harbour) -> FlaskClient:
    """A browser without scripts, logged in as whoever `harbour.me` is."""
    return logged_in(harbour)


def test_the_check_points_at_the_lines(client):
    """Each fault of a draft stands at its field and line."""
    form = {**FORM, "text:compose.yaml": "services:\n  web:\n    ports: [bad]\n"}
    page = send(client, "/applications/check", "/applications/new", **form).text
    assert re.search(r'data-field="text:compose.yaml"[^>]* data-line="3"', page)
    assert re.search(r'data-field="text:compose.yaml"[^>]* data-line="2"', page)
    assert "no such service" in page


def test_a_plan_is_shown_before_anything_happens(client, harbour):
    """Steps with causes and sources, a difference marked by sign, and no secret of the draft."""
    form = {**FORM, "text:compose.yaml": values.COMPOSE, "env": "PASSWORD=hunter2hunter2"}
    page = send(client, "/applications/plan", "/applications/new", **form).text
    assert "Recreate" in page and "3f2c1a9:dev/shop/web.yml:4" in page
    assert re.search(r'<li class="add">.*<span class="mark">\+</span><span>      LEVEL: debug', page)
    assert "hunter2" not in page
    assert harbour.done == []


def test_the_plan_that_was_shown_is_the_one_applied(client, harbour):
    """Its token and the whole draft go along; then the progress is shown."""
    form = {**FORM, "text:compose.yaml": values.COMPOSE, "env": "A=1"}
    page = send(client, "/applications/plan", "/applications/new", **form).text
    hidden = dict(re.findall(r'<input type="hidden" name="(draft|token)" value="([^"]+)"', page))
    answer = send(client, "/applications/deploy", "/applications/new", **hidden)
    assert answer.location == f"/operations/{values.RUNNING.id}"
    ((_, wanted),) = harbour.done
    assert (wanted.token, wanted.files.env_file) == (values.PLAN.token, "A=1")


def test_a_stale_plan_is_shown_anew(client, harbour):
    """Somebody was faster: nothing happens, and the plan as it is now is there to be read."""

    def refuse(_: object) -> None:
        raise Conflict("default.shop was changed by somebody else meanwhile; plan again")

    harbour.apply = refuse
    answer = send(
        client, "/applications/deploy", "/applications/new", **FORM, **{"text:compose.yaml": "x", "token": "old"}
    )
    assert answer.status_code == 409
    assert "changed by somebody else" in answer.text and "What will happen" in answer.text


def test_from_a_plan_back_to_the_form_nothing_is_lost(client):
    """`Edit again` brings every field back, the secrets too: they are the author's own."""
    form = {**FORM, "text:compose.yaml": values.COMPOSE, "env": "PASSWORD=hunter2hunter2", "reason": "night shift"}
    page = send(client, "/applications/plan", "/applications/new", **form).text
    draft = re.search(r'name="draft" value="([^"]+)"', page)
    again = send(client, "/applications/amend", "/applications/new", draft=draft[1]).text
    assert "hunter2hunter2" in again and "night shift" in again and "POSTGRES_PASSWORD" in again


def test_rows_and_files_are_added_without_scripts(client):
    """The form grows by a round trip where no script runs."""
    form = {**FORM, "text:compose.yaml": "x", "more": "override"}
    assert send(client, "/applications/amend", "/applications/new", **form).text.count('name="override_service"') == 2
    form |= {"more": "file", "new_path": "db/init.sql", "new_text": "select 1;"}
    assert 'name="text:db/init.sql"' in send(client, "/applications/amend", "/applications/new", **form).text
    answer = send(client, "/applications/amend", "/applications/new", **{**form, "new_path": "../x"})
    assert answer.status_code == 422 and "stays inside the project" in answer.text


def test_a_backend_that_is_away_leaves_the_form_as_it_is(client, harbour):
    """What was typed is not lost because etcd or a node does not answer."""

    def fail(_: object) -> None:
        raise EngineError("n1 does not answer")

    harbour.plan = fail
    answer = send(client, "/applications/plan", "/applications/new", **FORM, **{"text:compose.yaml": "kept: text"})
    assert answer.status_code == 422
    assert "kept: text" in answer.text and "n1 does not answer" in answer.text


def test_delete_wants_the_name_typed(client, harbour):
    """And keeps the volumes unless told."""
    answer = send(client, f"{APP}/delete", f"{APP}/delete", typed="shpo", expect="812")
    assert answer.status_code == 422 and harbour.done == []
    send(client, f"{APP}/delete", f"{APP}/delete", typed="shop", expect="812")
    send(client, f"{APP}/delete", f"{APP}/delete", typed="shop", expect="812", volumes="1")
    assert harbour.done == [("delete", values.SHOP, False, 812), ("delete", values.SHOP, True, 812)]


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_a_verb_goes_with_the_version_that_was_seen(client, harbour, verb):
    """What changed since the page was made is not changed blindly."""
    answer = send(client, f"{APP}/do/{verb}", APP, expect="812")
    assert answer.location == f"/operations/{values.PENDING.id}"
    assert harbour.done == [(verb, values.SHOP, (), 812)]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_rollout_over_several_nodes_is_held_and_let_go(client, harbour, verb):
    """The page of a paused one has the button that lets it go, and says why it waits."""
    ferry = "/applications/default/ferry"
    page = client.get(ferry).text
    assert f"{ferry}/do/resume" in page and "Paused by ada: a look first" in page
    assert send(client, f"{ferry}/do/{verb}", ferry).location == ferry
    assert harbour.done == [(verb, values.FERRY)]


def test_a_node_is_drained_after_a_look_at_what_would_go_where(client, harbour):
    """What stays is shown with its reason, before and after."""
    path = "/nodes/harbour-1/drain"
    asked = client.get(path).text
    assert "harbour-2, quay-8" in asked and "1.5 cpus free, 2 asked for" in asked and harbour.done == []
    answer = send(client, path, path, reason=" new disk ")
    assert "harbour-1 is drained" in answer.text and "1.5 cpus free" in answer.text
    assert harbour.done == [("drain", "harbour-1", "new disk")]


@pytest.mark.parametrize("verb", ["cordon", "undrain"])
def test_a_node_is_cordoned_and_takes_applications_again(client, harbour, verb):
    answer = send(client, f"/nodes/harbour-1/do/{verb}", "/nodes/harbour-1")
    assert answer.location == "/nodes/harbour-1"
    assert harbour.done[0][:2] == (verb, "harbour-1")


def test_rollback_shows_its_plan_and_applies_that(client, harbour):
    """GET plans, POST applies with the plan's token."""
    path = f"{APP}/history/1/rollback"
    assert "What will happen" in client.get(path).text
    assert send(client, path, path, token="t").location == f"/operations/{values.RUNNING.id}"
    assert harbour.done == [("rollback", values.SHOP, 1, "t")]


def test_a_move_shows_its_plan_and_applies_that(client, harbour):
    """GET asks where to, `?to=` plans, POST applies with the plan's token and shows how far it is."""
    path = f"{APP}/move"
    asked = client.get(path).text
    assert 'value="edge"' in asked and 'value="all"' not in asked and 'value="default"' not in asked
    planned = client.get(f"{path}?to=edge").text
    assert "shop_data" in planned and "once all of it is up in edge" in planned
    assert send(client, path, f"{path}?to=edge", to="edge", token="t").location == path
    assert harbour.done == [("move", values.SHOP, "edge", "t")]


def test_where_it_cannot_go_says_why_at_once(client):
    """Every fault; and the choice stays open."""
    page = client.get("/applications/default/blog/move?to=edge").text
    assert "web.devices: Swarm gives a container no devices" in page and "db.ipc" in page
    assert "Show the plan" in page


def test_a_move_is_watched_and_can_be_tried_again(client):
    """Also when the application is not there any more."""
    assert "comes up in edge" in client.get("/applications/default/wiki/move").text
    assert "On its way to edge" in client.get("/applications/default/wiki").text
    failed = client.get("/applications/default/mail/move").text
    assert "it did not come up in edge" in failed and "move?again=1" in failed
    assert 'href="/applications/edge/gone"' in client.get("/applications/default/gone/move").text


def test_the_export_is_a_tree_of_files(client):
    """A zip that holds the project below its name."""
    archive = zipfile.ZipFile(BytesIO(client.get(f"{APP}/export").data))
    assert archive.read("shop/compose.yaml").decode() == values.PROJECT


def test_find_narrows_the_explanation_without_scripts(client):
    """Every word is looked for in option, value, source and what is hidden."""
    page = client.get(f"{APP}/explain?find=arg.memory").text
    assert "mem_limit" in page and "POSTGRES_PASSWORD" not in page


def test_a_running_operation_is_followed_without_scripts(client):
    """The page loads itself again until it is over, and then no more."""
    refresh = '<noscript><meta http-equiv="refresh"'
    assert refresh in client.get(f"/operations/{values.RUNNING.id}").text
    assert refresh not in client.get(f"/operations/{values.DONE.id}").text
