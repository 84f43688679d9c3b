"""The settings that releases come by: what may stand there."""

from __future__ import annotations

import pytest

from appserver.core.site_config import BY_KEY
from appserver.errors import Invalid

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJJZ1Y2Tq0nH9F7bX0ZL9gqz0wQ5m9m4vZl2sJY3yQpK"
PRIVATE = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY}\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("release-repository", "https://git.example.com/ops/releases.git"),
        ("release-repository", "git@git.example.com:ops/releases.git"),
        ("release-repository", "ssh://git@10.0.0.7:2222/releases.git"),
        (
            "release-signers",
            f'anna@example.com ssh-ed25519 {KEY} anna\n# a comment\n*@ops namespaces="git" ssh-ed25519 {KEY}',
        ),
        ("release-known-hosts", f"[git.example.com]:2222 ssh-ed25519 {KEY}"),
        ("release-repository-key", PRIVATE),
        ("release-freeze", "..2026-11-30 Audit"),
    ],
)
def test_what_people_write_there_is_taken(name: str, given: str) -> None:
    """And what is kept of it is taken again."""
    setting = BY_KEY[f"config/{name}"]
    kept = setting.keep(given)
    assert setting.keep(kept) == kept
    assert setting.kind.sealed(kept) is (name == "release-repository-key")
    assert KEY not in setting.shown(kept) or not setting.kind.sealed(kept)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("release-repository", "ext::sh -c id"),
        ("release-repository", "--upload-pack=id"),
        ("release-repository", "file:///etc"),
        ("release-repository", "ssh://-oProxyCommand=id/x"),
        ("release-repository", "https://user:geheim@example.com/x.git"),
        ("release-repository", "git://example.com/x.git"),
        ("release-signers", "anna@example.com"),
        ("release-signers", f"anna@example.com ssh-ed25519 {KEY}\nbob"),
        ("release-signers", ""),
        ("release-known-hosts", "git.example.com"),
        ("release-known-hosts", f"git.example.com ssh-ed25519 {KEY}\x1b[2J"),
        ("release-repository-key", KEY),
        ("release-repository-key", PRIVATE * 200),
        ("release-freeze", "2026-12-20"),
    ],
)
def test_what_is_none_is_refused_and_not_repeated(name: str, given: str) -> None:
    """B3, B14: no transport but https and ssh, no password in a URL; a reason never holds what was given."""
    with pytest.raises(Invalid) as error:
        BY_KEY[f"config/{name}"].keep(given)
    assert "geheim" not in str(error.value) and KEY not in str(error.value)
