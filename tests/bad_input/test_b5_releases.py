"""B1, B4, B5, B8, B13: releases that are not what they seem, at the push, the API and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appserver.cli.main import main
from tests.bad_input.doors import record
from tests.bad_input.test_b5_yaml import NO_YAML
from tests.lab.git import Copy, clone
from tests.lab.releasing import MANIFEST, PLAY, give_tag, release, signer
from tests.lab.served import Site

TAG = "test-2026.11.22-1"
DIGEST = f"@sha256:{'0' * 64}"
STEP = "steps: [{{name: a, playbook: play.yml, {}}}]\n"
MANIFESTS = {
    **{name: text.replace("x-a:", "images:") for name, text in NO_YAML.items()},
    "an object": "steps: !!python/object/apply:os.system ['id']\n",
    "no mapping": "- steps\n",
    "no steps": "steps: []\n",
    "a thousand steps": "steps:\n" + "".join(f"  - {{name: a{n}, playbook: play.yml}}\n" for n in range(1_000)),
    "another version": f"version: 2026.11.22-2\n{MANIFEST}",
    "a playbook elsewhere": "steps: [{name: a, playbook: ../../etc/passwd}]\n",
    "an absolute playbook": "steps: [{name: a, playbook: /etc/ansible/site.yml}]\n",
    "an option for a playbook": "steps: [{name: a, playbook: --syntax-check}]\n",
    "a rollback elsewhere": STEP.format("rollback: ../x.yml"),
    "a shell": STEP.format("health: [{command: 'id; id'}]"),
    "a user in a URL": STEP.format("health: [{http: 'http://root:geheim@localhost/'}]"),
    "a file as URL": STEP.format("health: [{http: 'file:///etc/passwd'}]"),
    "a year": STEP.format("timeout: 8760h"),
    "not a number": STEP.format("retries: .nan"),
    "yes for a number": STEP.format("retries: yes"),
    "a target out of its place": STEP.format("scope: once, target: ../../status/current"),
    "a variable of ansible": STEP.format("variables: {ansible_connection: local}"),
    "an image by its tag": f"images: {{web: 'example/web:1'}}\n{MANIFEST}",
    "an image that is an option": f"images: {{web: '--help:1{DIGEST}'}}\n{MANIFEST}",
    "an image with a command": f"images: {{web: 'a;id:1{DIGEST}'}}\n{MANIFEST}",
    "a package that is an option": f"debs: {{-o: '1'}}\n{MANIFEST}",
    "a version with a command": f"debs: {{curl: '1;id'}}\n{MANIFEST}",
}


@pytest.fixture
def copy(site: Site, tmp_path: Path) -> Callable[..., Copy]:
    """A working copy of a person with this role."""

    def made(role: str = "admin") -> Copy:
        url = f"{site.url}/git/releases.git"
        return clone(tmp_path / f"copy-{role}", url, f"a-{role}", site.token(f"a-{role}", role))  # type: ignore[arg-type]

    return made


def on_record(site: Site) -> dict[str, str]:
    return {key: text for key, text in record(site.services.kv).items() if key.startswith(("release", "info/"))}


def test_every_manifest_that_is_none_refuses_its_push(site: Site, copy: Callable[..., Copy]) -> None:
    """With file and reason on the terminal, nothing on record, an entry in the audit; a good one goes on."""
    ours = copy()
    ours.commit({"play.yml": PLAY})
    for number, (name, text) in enumerate(MANIFESTS.items(), 1):
        tag = f"test-2026.11.22-{number + 100}"
        release(ours, tag, files={"release.yml": text})
        said = ours.push("origin", tag)
        assert said.code != 0, name
        assert any(line.startswith(f"{tag}: release.yml") for line in said.remote), (name, said.err)
        assert said.remote[-1].endswith("nothing was changed"), (name, said.err)
        assert "Traceback" not in said.err and "geheim" not in said.err, name
    assert on_record(site) == {}
    refused = [
        one for one in site.api("GET", "/audit?limit=200", site.token()).json()["items"] if one["result"] == "refused"
    ]
    assert len(refused) == len(MANIFESTS)
    assert {one["subject"] for one in refused} == {"source:releases"}
    release(ours, TAG, files={"release.yml": MANIFEST})
    assert ours.push("origin", TAG).code == 0


def test_every_trap_in_a_tree_is_told_by_its_file(site: Site, copy: Callable[..., Copy]) -> None:
    """Links, submodules, what is git's own, ways out, bytes: all at once."""
    ours = copy()
    ours.commit({"release.yml": MANIFEST, "play.yml": PLAY})
    traps = {
        "a link": [("120000", "link", "/etc/passwd")],
        "a submodule": [("160000", "module", ours.head)],
        "git's own": [("100644", ".GIT", "x")],
        "a control character": [("100644", "a\x1b[31m", "x")],
        "no text": [("100644", "logo", "\0")],
    }
    good = [("100644", "release.yml", MANIFEST), ("100644", "play.yml", PLAY)]
    for number, (name, entries) in enumerate(traps.items(), 1):
        tag = f"test-2026.11.22-{number}"
        give_tag(ours, tag, ours.commit_tree(ours.tree(*good, *entries)))
        said = ours.push("origin", tag)
        assert said.code != 0, name
        assert "Traceback" not in said.err and "\x1b[31m" not in said.err, name
    assert on_record(site) == {}


@pytest.mark.parametrize(
    "tag",
    [
        "test-2026.11.22",
        "prod-2026.02.30-1",
        "release-1.0",
        "test-2026.11.22-1234567890",
        "test-2026.11.22-1-x",
        "test-\uff12026.11.22-1",
    ],
)
def test_a_tag_that_looks_like_a_release_and_is_none_is_refused(
    site: Site, copy: Callable[..., Copy], tag: str
) -> None:
    """Stored, it would never be taken, and nobody would know why."""
    ours = copy()
    release(ours, tag)
    said = ours.push("origin", tag)
    assert said.code != 0
    assert said.remote[0].startswith(f"{tag}: is no release: such a tag is called ")
    assert on_record(site) == {}


def test_who_may_not_push_is_told_before_git_is_let_in(site: Site, copy: Callable[..., Copy]) -> None:
    """A viewer clones and does not push; nobody known does neither."""
    viewer = copy("viewer")
    release(viewer, TAG)
    said = viewer.push("origin", TAG)
    assert said.code != 0 and "403" in said.err
    assert on_record(site) == {}
    for path in ("info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack"):
        assert site.ask("GET", f"/git/releases.git/{path}").status_code == 401


def test_an_operator_gives_no_release_out_but_a_signed_one(
    site: Site, copy: Callable[..., Copy], tmp_path: Path
) -> None:
    """B7: operators run no playbooks, and a release is playbooks that run as root. Branches they push."""
    anna = signer(tmp_path / "keys", "anna@example.com")
    operator = copy("operator")
    release(operator, TAG, by=anna)
    assert operator.push("origin", "HEAD:main").code == 0
    said = operator.push("origin", TAG)
    assert said.code != 0 and said.remote[0].startswith(f"{TAG}: takes an administrator, or a signature"), said.err
    assert on_record(site) == {}
    answer = site.api("PUT", "/config/release-signers", site.token(), json={"value": anna.line})
    assert answer.status_code == 200, answer.text
    assert operator.push("origin", TAG).code == 0
    assert site.api("GET", "/releases/2026.11.22-1", site.token()).json()["signed_by"] == "anna@example.com"


@pytest.mark.parametrize(
    "version", ["..%2fx", "-rf", "2026.11.22-1%00", "%2e%2e", "2026.11.22", "x" * 300, "\uff12026.11.22-1"]
)
def test_no_release_is_named_so(site: Site, version: str) -> None:
    """At the API: 4xx, whatever is asked of it."""
    token = site.token()
    for method, path in (("GET", f"/releases/{version}"), ("PUT", f"/releases/{version}/aside")):
        answer = site.api(method, path, token, **({"json": {"reason": "x"}} if method == "PUT" else {}))
        assert 400 <= answer.status_code < 500, (method, answer.text)
    assert on_record(site) == {}


def test_what_is_no_channel_freeze_repository_or_signer_is_not_configured(site: Site) -> None:
    """422 at the API, with the reason, and nothing on record."""
    token = site.token()
    for key, value in (
        ("release-repository", "ext::sh -c id"),
        ("release-repository", "--upload-pack=id"),
        ("release-repository", "https://user:geheim@example.com/x.git"),
        ("release-freeze", "2026-12-20"),
        ("release-signers", "anna"),
        ("release-known-hosts", "-oProxyCommand=id"),
        ("release-repository-key", "geheim"),
        ("env", "production"),
    ):
        answer = site.api("PUT", f"/config/{key}", token, json={"value": value})
        assert answer.status_code == 422, (key, answer.text)
        assert "geheim" not in answer.text
    assert not [key for key in record(site.services.kv) if key.startswith("config/")]


def test_the_source_of_releases_is_no_source_of_configuration(site: Site) -> None:
    """Else two repositories would have one name."""
    answer = site.api("POST", "/sources", site.token(), json={"name": "releases"})
    assert answer.status_code == 422 and "repository of releases" in answer.text
    assert "sources/releases" not in record(site.services.kv)


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_lint_refuses_it_as_a_push_does(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, with the file."""
    (tmp_path / "release.yml").write_text(MANIFESTS[name])
    (tmp_path / "play.yml").write_text(PLAY)
    code = main(["update", "lint", str(tmp_path)])
    told = capsys.readouterr()
    if name == "another version":  # without a tag it is what it says
        assert code == 0
        return
    assert code == 2
    assert "release.yml" in told.err and "Traceback" not in told.err
