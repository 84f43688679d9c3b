"""What is secret by its name or its shape, and that a mask leaves nothing of it."""

import pytest

from appserver.core.secrets import MARK, is_secret, is_secret_name, masked, opened, seals


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASSWORD",
        "mysql_root_password",
        "API_KEY",
        "apiKey",
        "GITHUB_TOKEN",
        "SECRET",
        "AWS_SECRET_ACCESS_KEY",
        "Passwd",
    ],
)
def test_names_that_say_so_are_secret(name: str) -> None:
    """Conventional names need no declaration."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["PATH", "TOKENIZER_MODE", "MONKEY", "KEYBOARD", "COMPASSWORDS", "SECRETARY", "PORT"])
def test_names_that_only_look_alike_are_not(name: str) -> None:
    """A word within a word hides nothing from people who must read their configuration."""
    assert not is_secret_name(name)


def test_values_with_a_password_inside_are_secret() -> None:
    """A URL with user information, and whatever holds a known secret, are sealed too."""
    assert is_secret("DATABASE_URL", "postgres://u:hunter2@db/x")
    assert is_secret("DSN", "host=db pw=hunter2", known=("hunter2",))
    assert not is_secret("DATABASE_URL", "postgres://db/x")
    assert not is_secret("EMPTY_PASSWORD", "")


def test_a_mask_leaves_no_seal() -> None:
    """Structure stays, only seals change."""
    value = {"a": [f"{MARK}x", "plain"], "b": {"c": f"{MARK}y"}, "n": 1}
    assert masked(value) == {"a": ["***", "plain"], "b": {"c": "***"}, "n": 1}
    assert seals(value) == (f"{MARK}x", f"{MARK}y")


def test_a_seal_is_opened_only_where_nothing_is_decided_by_it() -> None:
    """Policy judged the seal where it stands: what is within must not come out there afterwards."""
    web = {"environment": {"P": f"{MARK}x"}, "command": ["run", f"{MARK}y"], "network_mode": f"{MARK}z"}
    project = {
        "name": "shop",
        "services": {"web": web},
        "secrets": {"s": {"content": f"{MARK}c", "name": f"{MARK}n"}},
        "networks": {"n": {"driver": f"{MARK}d"}},
    }
    assert opened(project, lambda seal: seal[-1].upper()) == {
        "name": "shop",
        "services": {"web": {"environment": {"P": "X"}, "command": ["run", "Y"], "network_mode": f"{MARK}z"}},
        "secrets": {"s": {"content": "C", "name": f"{MARK}n"}},
        "networks": {"n": {"driver": f"{MARK}d"}},
    }
