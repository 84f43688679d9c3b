"""`--set service.option=value`, from text to the overrides of a request."""

from __future__ import annotations

from collections.abc import Sequence

from appserver.core.secrets import is_secret
from appserver.errors import Invalid
from image_config import yaml_safe
from image_config.errors import ConfigError

Overrides = dict[str, dict[str, object]]


def parse(given: Sequence[str]) -> Overrides:
    """`web.mem_limit=512M`, `web.ports=["8080:80"]`, or one entry of a map: `web.environment.DEBUG=1`.

    Raises:
        Invalid: not of that form, or a secret: others on this machine can read a command line.
    """
    found: Overrides = {}
    for text in given:
        name, equals, value = text.partition("=")
        service, _, option = name.partition(".")
        option, _, key = option.partition(".")
        if not (equals and service and option):
            raise Invalid("--set", f"{text!r} is not service.option=value")
        if is_secret(key or option, value):
            raise Invalid(f"--set {name}", "a secret does not belong on a command line: put it into --env-file")
        options = found.setdefault(service, {})
        if not key:
            options[option] = _value(value, name)
            continue
        entries = options.setdefault(option, {})
        if not isinstance(entries, dict):
            raise Invalid(f"--set {name}", f"{service}.{option} is set as a whole already")
        entries[key] = value
    return found


def _value(text: str, name: str) -> object:
    """As YAML reads it: `2` is a number, `[a, b]` a list, `512M` a text."""
    try:
        return yaml_safe.load(text, "")
    except ConfigError as error:
        raise Invalid(f"--set {name}", error.reason) from error
