"""Answers that say no, as lines for people and exit codes for programs."""

from __future__ import annotations

import json

import pytest

from appserver.cli.problems import Refused, ServerFailed, exit_code, from_response

PROBLEM = "application/problem+json"


def told(status: int, **body: object) -> Exception:
    return from_response(status, PROBLEM, json.dumps(body).encode())


def test_every_fault_is_a_line() -> None:
    """422 with several faults: each with its place."""
    faults = [{"where": "compose.yaml:4", "why": "no such key"}, {"where": "", "why": "too large"}]
    error = told(422, detail="compose.yaml:4: no such key", errors=faults)
    assert str(error) == "compose.yaml:4: no such key\ntoo large"
    assert exit_code(error) == 2


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (403, 2), (404, 2), (409, 2), (412, 2), (429, 2), (500, 1), (502, 1)]
)
def test_the_status_decides_the_exit_code(status: int, code: int) -> None:
    """4xx is the caller's to mend, 5xx is not."""
    error = told(status, detail="no", errors=[])
    assert exit_code(error) == code
    assert str(error) == "no"
    assert getattr(error, "status", status) == status


def test_a_refused_token_names_the_way_back() -> None:
    """401: log in again."""
    assert str(told(401, detail="this token is not good")).endswith("run `moorage login` to be known to the server")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b"", b"{"])
def test_an_answer_that_is_no_problem_is_told_by_its_status(body: bytes) -> None:
    """A proxy's page is not printed."""
    assert str(from_response(502, "text/html", body)) == "the server answered 502 Bad Gateway"
    assert str(from_response(599, PROBLEM, body)) == "the server answered 599"


def test_a_redirect_is_not_followed() -> None:
    """A token is not carried elsewhere."""
    assert isinstance(from_response(302, "text/html", b""), ServerFailed)


def test_strangers_text_does_not_reach_the_terminal() -> None:
    """Escape sequences in an error are shown, not obeyed."""
    error = told(409, detail="name \x1b]0;owned\x07 is taken", errors=[])
    assert isinstance(error, Refused)
    assert "\x1b" not in str(error) and "\x07" not in str(error)
