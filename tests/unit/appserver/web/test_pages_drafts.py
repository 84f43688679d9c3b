"""What the form holds, and what it asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from appserver.errors import Invalid
from appserver.web import pages_drafts
from appserver.web.pages_drafts import Draft, Override, carried, carry, from_form, from_request

FORM = MultiDict(
    [
        ("name", " shop "),
        ("cluster", "default"),
        ("compose_files", "compose.yaml"),
        ("path", "compose.yaml"),
        ("text:compose.yaml", "services:\r\n  web:\r\n    image: web\r\n"),
        ("path", "db/init.sql"),
        ("text:db/init.sql", "select 1;"),
        ("env", "A=1\r\n"),
        ("override_service", "web"),
        ("override_option", "mem_limit"),
        ("override_value", "512M"),
        ("override_service", ""),
        ("override_option", ""),
        ("override_value", " "),
        ("reason", "more room"),
    ]
)
KEY = b"k" * 32
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("abcdef: #&*[]{}'\"!yno0x.-", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=6,
)


def test_a_form_becomes_the_request_it_shows():
    """Line ends are the files' own, empty rows are nothing, values are YAML."""
    wanted = from_form(FORM).request("t")
    assert wanted.files.files == {"compose.yaml": "services:\n  web:\n    image: web\n", "db/init.sql": "select 1;"}
    assert wanted.files.env_file == "A=1\n"
    assert (str(wanted.key), wanted.overrides, wanted.token) == ("default.shop", {"web": {"mem_limit": "512M"}}, "t")


def test_what_is_on_record_comes_back_into_the_form_and_out_again_the_same():
    """Editing without a change changes nothing."""
    wanted = from_form(FORM).request()
    assert from_request(wanted).request().files == wanted.files
    assert from_request(wanted).request().overrides == wanted.overrides


@given(VALUES)
def test_any_override_survives_the_form(value):
    """A value is shown as text that reads as the same value: `no` stays a word, 22:22 a text."""
    shown = pages_drafts._shown(value)
    assert Draft("shop", overrides=(Override("web", "o", shown),)).request().overrides == {"web": {"o": value}}


@pytest.mark.parametrize("row", [("", "mem_limit", "1"), ("web", "", "1"), ("web", "mem_limit", "[1")])
def test_a_row_that_says_half_is_refused_at_its_place(row):
    """The fault names the override, not the whole form."""
    with pytest.raises(Invalid) as told:
        Draft("shop", overrides=(Override(*row),)).request()
    assert told.value.where.startswith("overrides.")


def test_an_override_given_twice_is_refused():
    """Which of the two would win is not for us to guess."""
    row = Override("web", "mem_limit", "1")
    with pytest.raises(Invalid, match="twice"):
        Draft("shop", overrides=(row, row)).request()


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a//b", ".", "a\\b", "a\x00b", "x" * 301])
def test_a_file_stays_inside_its_project(path):
    """A path is a name below the project's directory, or it is refused."""
    with pytest.raises(Invalid) as told:
        Draft("shop").with_file(path, "text")
    assert told.value.where == "new_path"


def test_a_carried_draft_is_the_same_and_cannot_be_read():
    """The page of a plan holds what is to be applied, and no secret of it in the clear."""
    draft = from_form(FORM)
    sealed = carry(draft, KEY, "ada")
    assert carried(sealed, KEY, "ada") == draft
    assert "mem_limit" not in sealed


@pytest.mark.parametrize(
    ("text", "key", "user"), [("rubbish", KEY, "ada"), (None, b"other", "ada"), (None, KEY, "eve")]
)
def test_a_draft_that_is_not_ours_or_not_theirs_is_refused(text, key, user):
    """Made up, made by another server, or carried off by another user."""
    sealed = text or carry(Draft("shop"), KEY, "ada")
    with pytest.raises(Invalid, match="plan again"):
        carried(sealed, key, user)
