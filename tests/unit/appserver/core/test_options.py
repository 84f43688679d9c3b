"""What `x-moorage:` may say."""

from __future__ import annotations

import pytest

from appserver.core.entities import Options
from appserver.core.options import options
from appserver.errors import Invalid


def test_options_are_read_and_unknown_ones_refused_with_the_nearest() -> None:
    """A typo in x-moorage is told, not ignored."""
    read = options({"x-moorage": {"heal": True, "settle": "500ms", "timeout": "2m", "secrets": ["FOO"]}})
    assert read == Options(heal=True, settle_s=0.5, timeout_s=120.0, secrets=("FOO",))
    assert options({}) == Options()
    with pytest.raises(Invalid, match="did you mean heal"):
        options({"x-moorage": {"heall": True}})
    for bad in ({"heal": "yes"}, {"settle": "soon"}, {"timeout": "-1s"}, {"secrets": "FOO"}, "x"):
        with pytest.raises(Invalid):
            options({"x-moorage": bad})


@pytest.mark.parametrize("later", ["replicas", "mode", "update"])
def test_what_this_version_cannot_do_yet_is_refused_as_that(later: str) -> None:
    """An author who wrote what we have announced is not told that it is a typo."""
    with pytest.raises(Invalid, match=f"{later}: not yet; ") as refused:
        options({"x-moorage": {later: 2}})
    assert "unknown" not in str(refused.value)
