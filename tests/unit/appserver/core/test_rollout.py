"""The updater's eight checks, in their order, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appserver.core.rollout import Action, Seen, decide, told
from appserver.core.rollout_record import ABORTED, COMPLETED, RUNNING, Request, Status

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
V1, V2 = "2026.11.01-1", "2026.11.02-2"
ASKED = Request(V1, (0, 1, 2), False, NOW)
DONE = {lrn: Status(V1, 3, COMPLETED) for lrn in (0, 1, 2)}
SEEN = Seen((0, 1, 2), V1, ASKED, DONE, timeout_s=3600)


def test_without_a_release_it_waits() -> None:
    """Neco: wait-latest."""
    assert decide(Seen((0,)), NOW) == Action("wait-for-info", "no release is known yet")


def test_without_boot_servers_nothing_is_asked_for() -> None:
    """An update of nobody would be complete at once."""
    assert decide(Seen((), V1), NOW) == Action("wait-for-info", "no boot server is registered")


def test_the_first_release_is_asked_for_on_all_servers_in_the_order_of_their_numbers() -> None:
    """Neco took the order of keys, 0 1 10 2, and two servers restarted etcd at once."""
    action = decide(Seen((10, 2, 0, 1), V1), NOW)
    assert action.kind == "request-update"
    assert action.request == Request(V1, (0, 1, 2, 10), False, NOW)
    assert not action.clear


def test_what_was_stopped_waits_for_people() -> None:
    """Neco: stopped. Nothing else counts, not even a newer release."""
    seen = replace(SEEN, request=replace(ASKED, stop=True), release=V2, servers=(0,), overdue=True)
    action = decide(seen, NOW)
    assert action.kind == "wait-for-user-recovery"
    assert "`moorage update retry`, `recover` or `undo`" in action.reason


def test_an_abort_stops_the_update_for_all() -> None:
    """Neco: aborted. It names the server, and what it said."""
    statuses = {**DONE, 1: Status(V1, 2, ABORTED, "etcd did not come up")}
    action = decide(replace(SEEN, statuses=statuses), NOW)
    assert action.kind == "request-stop"
    assert action.reason == "update request was aborted: server 1: etcd did not come up"
    assert action.request == replace(ASKED, stop=True)


def test_who_aborted_first_is_named() -> None:
    """Not one that followed, whatever their numbers."""
    statuses = {
        0: Status(V1, 2, ABORTED, "server 1 aborted: etcd did not come up"),
        1: Status(V1, 2, ABORTED, "etcd did not come up"),
    }
    action = decide(replace(SEEN, statuses=statuses), NOW)
    assert action.reason == "update request was aborted: server 1: etcd did not come up"
    del statuses[1]
    assert "server 0: server 1 aborted" in decide(replace(SEEN, statuses=statuses), NOW).reason


def test_an_abort_of_another_version_does_not_count() -> None:
    """It is what is left of an earlier update."""
    statuses = {**DONE, 1: Status(V2, 2, ABORTED, "long ago")}
    assert decide(replace(SEEN, statuses=statuses), NOW).kind == "wait-for-workers"


@pytest.mark.parametrize("status", [None, Status(V1, 3, RUNNING), Status(V2, 3, COMPLETED)])
def test_who_is_not_through_is_waited_for(status: Status | None) -> None:
    """Neco: not-completed."""
    statuses = {lrn: one for lrn, one in {**DONE, 2: status}.items() if one}
    action = decide(replace(SEEN, statuses=statuses), NOW)
    assert (action.kind, action.reason) == ("wait-for-workers", "waiting for server 2")


def test_workers_that_take_too_long_are_stopped() -> None:
    """Neco: timeout, with its text."""
    action = decide(replace(SEEN, statuses={}, overdue=True), NOW)
    assert action.kind == "request-stop"
    assert action.reason == "workers take too long for update: 1h0m0s"


def test_an_update_that_is_through_is_not_late() -> None:
    """The deadline may pass once all are done."""
    assert decide(replace(SEEN, overdue=True), NOW).kind == "wait-for-info"


@pytest.mark.parametrize(
    ("servers", "reason"),
    [
        ((0, 1), "server 2 left"),
        ((0, 1, 2, 10), "server 10 joined"),
        ((0, 3, 4), "servers 3 and 4 joined; servers 1 and 2 left"),
    ],
)
def test_other_members_are_a_reconfiguration_of_the_same_version(servers: tuple[int, ...], reason: str) -> None:
    """Neco: reconfigure. What all of them said is deleted with it; a newer release comes after it."""
    action = decide(replace(SEEN, servers=servers, release=V2), NOW)
    assert (action.kind, action.reason) == ("reconfigure", reason)
    assert action.request == Request(V1, servers, False, NOW)
    assert action.clear


def test_members_in_another_order_are_the_same() -> None:
    """Neco reconfigured once for nothing."""
    assert decide(replace(SEEN, request=replace(ASKED, servers=(2, 0, 1))), NOW).kind == "wait-for-info"


def test_the_next_release_follows() -> None:
    """Neco: update."""
    action = decide(replace(SEEN, release=V2), NOW)
    assert (action.kind, action.reason) == ("request-update", f"{V2} follows {V1}")
    assert action.request == Request(V2, (0, 1, 2), False, NOW)


def test_what_was_said_of_the_same_version_before_is_deleted() -> None:
    """Back to a version: what servers said of it then is not taken for what they say now."""
    statuses = {0: Status(V1, 3, COMPLETED), 1: Status(V1, 3, COMPLETED), 2: Status(V1, 3, COMPLETED)}
    seen = replace(SEEN, statuses={**statuses, 7: Status(V2, 3, COMPLETED)}, release=V2)
    assert decide(seen, NOW).clear


def test_completed_is_all_there_is_to_say() -> None:
    """Neco: completed."""
    assert decide(SEEN, NOW) == Action("wait-for-info", f"all servers are at {V1}")


def test_a_frozen_site_begins_nothing_new() -> None:
    """It finishes what is under way; who joins or leaves is taken in afterwards."""
    frozen = replace(SEEN, release=V2, frozen="frozen until Monday")
    assert decide(frozen, NOW) == Action("wait-for-info", f"{V2} waits: frozen until Monday")
    joined = decide(replace(frozen, servers=(0, 1)), NOW)
    assert joined == Action("wait-for-info", f"server 2 left; {V1} waits: frozen until Monday")
    assert decide(replace(frozen, statuses={}), NOW).kind == "wait-for-workers"


def test_a_dead_server_is_named_with_what_takes_it_out() -> None:
    """Neco waited an hour in silence."""
    statuses = {0: DONE[0]}
    action = decide(replace(SEEN, statuses=statuses, dead={2: ""}), NOW)
    assert action.reason == (
        "waiting for servers 1 and 2; server 2: its agent is gone; when that is for good: `moorage boot retire 2`"
    )


def test_a_server_that_left_in_the_middle_is_named_with_what_goes_on_without_it() -> None:
    """Retired, it was waited for until the time was over, and nothing said what to do."""
    seen = replace(SEEN, servers=(0, 1), statuses={lrn: DONE[lrn] for lrn in (0, 1)}, dead={2: "n2"})
    assert decide(seen, NOW).reason == (
        "waiting for server 2; server 2 left the site: `moorage update stop` and `moorage update recover` go on without"
    )


def test_a_dead_server_that_is_a_host_is_taken_out_by_the_playbook_for_that() -> None:
    """Its number alone is not taken off while its node is on record."""
    action = decide(replace(SEEN, statuses={}, dead={1: "n1", 2: "n2"}), NOW)
    assert action.reason.endswith("when that is for good: `ansible-playbook playbooks/retire.yml -e retire=n1,n2`")


@pytest.mark.parametrize(("seconds", "text"), [(5, "5s"), (90, "1m30s"), (3600, "1h0m0s"), (5400.5, "1h30m0s")])
def test_durations_are_told_as_neco_told_them(seconds: float, text: str) -> None:
    """People search their channels for these texts."""
    assert told(seconds) == text
