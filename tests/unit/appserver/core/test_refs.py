from __future__ import annotations

import pytest

from appserver.core.refs import MAX_UPDATES, ZERO, RefUpdate, check_branch, check_commit, ref_faults
from appserver.errors import Invalid

OLD, NEW, OTHER = "a" * 40, "b" * 40, "c" * 40
MAIN = "refs/heads/main"


def test_a_step_forward_on_the_tracked_branch_is_fine() -> None:
    """From the present head to a descendant of it."""
    assert ref_faults([RefUpdate(MAIN, OLD, NEW)], "main", OLD, ()) == ()


def test_the_first_push_into_an_empty_repository_is_fine() -> None:
    """There is no head to descend from."""
    assert ref_faults([RefUpdate(MAIN, ZERO, NEW)], "main", None, ()) == ()


def test_other_branches_and_tags_may_move_as_they_like() -> None:
    """Only what is rolled out is guarded: a topic branch may be forced or deleted."""
    updates = [RefUpdate("refs/heads/topic", OLD, ZERO), RefUpdate("refs/tags/v1", ZERO, NEW)]
    assert ref_faults(updates, "main", OLD, ()) == ()


@pytest.mark.parametrize(
    ("update", "head", "loses", "why"),
    [
        (RefUpdate(MAIN, OLD, ZERO), OLD, [], "cannot be deleted"),
        (RefUpdate(MAIN, OLD, NEW), OLD, [OLD], "forced push"),
        (RefUpdate(MAIN, OLD, NEW), OTHER, [], "fetch, merge, push again"),
        (RefUpdate(MAIN, ZERO, NEW), OTHER, [OTHER], "fetch, merge, push again"),
    ],
)
def test_the_tracked_branch_loses_nothing(update: RefUpdate, head: str, loses: list[str], why: str) -> None:
    """Deleted, forced, or moved by somebody else meanwhile: refused, and told what to do instead."""
    ((where, told),) = ref_faults([update], "main", head, loses)
    assert where == "main"
    assert why in told


def test_references_of_other_kinds_are_not_kept() -> None:
    """`refs/for/…`, notes and the like have no meaning here, and our own are not to be written."""
    ((where, why),) = ref_faults([RefUpdate("refs/moorage/kept", ZERO, NEW)], "main", OLD, True)
    assert (where, why) == ("refs/moorage/kept", "only branches and tags are kept here")


@pytest.mark.parametrize(("ref", "where"), [("refs/heads/\udcff", "\\xff"), ("refs/tags/a\u202eb", "\\x202e")])
def test_a_name_that_is_no_plain_text_is_not_kept(ref: str, where: str) -> None:
    """Bytes that are no UTF-8, and characters that show as others: every terminal and page would tell another name."""
    ((told, why),) = ref_faults([RefUpdate(ref, ZERO, NEW)], "main", OLD, ())
    assert where in told
    assert why == "its name is not plain text"


def test_a_push_of_very_many_references_is_refused() -> None:
    """One push moves a hundred references at the most."""
    updates = [RefUpdate(f"refs/heads/b{n}", ZERO, NEW) for n in range(MAX_UPDATES + 1)]
    assert ref_faults(updates, "main", OLD, ()) == (("", "101 references at once; at most 100"),)


@pytest.mark.parametrize("name", ["main", "release/1.2", "feature/a_b-c", "v1.0", "a+b"])
def test_usual_branch_names_are_taken(name: str) -> None:
    """What people call their branches."""
    assert check_branch(name) == name


def test_a_commit_is_a_full_object_id() -> None:
    """No abbreviation, no name, no expression is ever passed to git as a revision."""
    assert check_commit("0123456789abcdef" * 2 + "01234567") == "0123456789abcdef" * 2 + "01234567"
    with pytest.raises(Invalid):
        check_commit("0123456")
