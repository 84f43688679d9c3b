"""What is sent to run a playbook: as JSON by programs, as a form by people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from appserver.core.plays import PlayRequest
from appserver.errors import Invalid
from appserver.web.forms import Body
from appserver.web.queries import Short
from image_config import yaml_safe
from image_config.errors import ConfigError

Word = Annotated[str, Field(max_length=300)]


class PlayBody(Body):
    """`limit` names hosts and groups of the inventory, `!` before a name leaves it out, `&` keeps to it."""

    playbook: Word
    limit: list[Word] = Field(default_factory=list, max_length=100)
    tags: list[Word] = Field(default_factory=list, max_length=100)
    skip_tags: list[Word] = Field(default_factory=list, max_length=100)
    check: bool = Field(False, description="only tell what would change")
    diff: bool = Field(False, description="show what changes within files")
    extra_vars: dict[Word, Any] = Field(default_factory=dict, max_length=200)
    secrets: list[Word] = Field(
        default_factory=list, max_length=200, description="names of extra variables that are secret, whatever they say"
    )
    reason: Short = ""

    def request(self) -> PlayRequest:
        return PlayRequest(
            self.playbook,
            tuple(self.limit),
            tuple(self.tags),
            tuple(self.skip_tags),
            self.check,
            self.diff,
            self.extra_vars,
            tuple(self.secrets),
            self.reason,
        )


def from_form(form: Mapping[str, str], limit: list[str], tags: list[str]) -> PlayRequest:
    """
    Args:
        form: the page's own fields; extra variables are YAML.
        limit, tags: the boxes that are ticked.
    Raises:
        Invalid: the variables are no YAML mapping.
    """
    try:
        given = yaml_safe.load(form.get("extra_vars", ""), "extra_vars")
    except ConfigError as error:
        raise Invalid("extra_vars", str(error)) from error
    if given is not None and not isinstance(given, dict):
        raise Invalid("extra_vars", "is to be `name: value`, one a line")
    return PlayRequest(
        form.get("playbook", ""),
        (*limit, *_words(form.get("limit", ""))),
        (*tags, *_words(form.get("tags", ""))),
        _words(form.get("skip_tags", "")),
        form.get("mode", "check") == "check",
        bool(form.get("diff")),
        given or {},
        _words(form.get("secrets", "")),
        form.get("reason", "").strip(),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())
