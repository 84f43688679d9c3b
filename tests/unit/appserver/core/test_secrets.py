"""What is secret by its name or its shape, and that a mask leaves nothing of it."""

import pytest

from appserver.core.secrets import MARK, is_secret, is_secret_name, masked, open_all, seals


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


def test_a_mask_leaves_no_seal_and_an_opening_leaves_the_rest() -> None:
    """Structure stays, only seals change."""
    value = {"a": [f"{MARK}x", "plain"], "b": {"c": f"{MARK}y"}, "n": 1}
    assert masked(value) == {"a": ["***", "plain"], "b": {"c": "***"}, "n": 1}
    assert open_all(value, lambda s: s[-1].upper()) == {"a": ["X", "plain"], "b": {"c": "Y"}, "n": 1}
    assert seals(value) == (f"{MARK}x", f"{MARK}y")
