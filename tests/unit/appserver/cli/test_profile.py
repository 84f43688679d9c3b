"""The profile: what it holds, who may read it, what the environment says before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from appserver.cli import profile
from appserver.cli.profile import Profile
from appserver.errors import Invalid, NotFound

KNOWN = Profile("http://boot1:8080", "mrg_1_2", "/etc/ca.crt")


def test_what_is_saved_is_read_again_and_is_its_owners_alone(tmp_path: Path) -> None:
    """Mode 0600 from the first moment, in a directory nobody else enters."""
    where = tmp_path / "moorage" / "profile.toml"
    profile.save(KNOWN, where)
    assert profile.read(where) == KNOWN
    assert where.stat().st_mode & 0o777 == 0o600
    assert where.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in where.parent.iterdir()] == ["profile.toml"]


def test_a_token_others_can_read_is_refused(tmp_path: Path) -> None:
    """The remedy is in the error."""
    where = tmp_path / "profile.toml"
    profile.save(KNOWN, where)
    where.chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        profile.read(where)


@pytest.mark.parametrize("text", ["server = [1]", "sever = 'x'", "server = ", "\udcff"])
def test_what_is_no_profile_is_refused(tmp_path: Path, text: str) -> None:
    """With the file's name."""
    where = tmp_path / "profile.toml"
    where.touch(0o600)
    where.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Invalid, match=r"profile\.toml"):
        profile.read(where)


def test_a_token_is_never_sent_to_another_server(tmp_path: Path) -> None:
    """MOORAGE_SERVER alone leaves the file's token and CA behind; with MOORAGE_TOKEN that one goes along."""
    where = tmp_path / "profile.toml"
    profile.save(KNOWN, where)
    environ = {"MOORAGE_PROFILE": str(where)}
    assert profile.load(environ) == KNOWN
    assert profile.load({**environ, "MOORAGE_SERVER": "http://else:1"}) == Profile("http://else:1")
    assert profile.load({**environ, "MOORAGE_SERVER": KNOWN.server}) == KNOWN
    told = {**environ, "MOORAGE_SERVER": "http://else:1", "MOORAGE_TOKEN": "t"}
    assert profile.load(told) == Profile("http://else:1", "t")


def test_it_lies_where_configuration_lies() -> None:
    """XDG's directory, else ~/.config."""
    assert profile.path({"HOME": "/home/ann"}) == Path("/home/ann/.config/moorage/profile.toml")
    assert profile.path({"HOME": "/home/ann", "XDG_CONFIG_HOME": "/x"}) == Path("/x/moorage/profile.toml")


def test_nobody_known_is_told_how_to_become_known(tmp_path: Path) -> None:
    """Neither file nor environment: log in."""
    with pytest.raises(NotFound, match="moorage login"):
        profile.load({"MOORAGE_PROFILE": str(tmp_path / "none")})


def test_a_token_never_shows() -> None:
    """Neither in a repr nor in what is logged of one."""
    assert "mrg_" not in repr(KNOWN)
