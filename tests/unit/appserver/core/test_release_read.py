"""`release.yml`: what is taken, and every fault with its place."""

from __future__ import annotations

import pytest

from appserver.core.release import Probe, Release, ReleaseStep
from appserver.core.release_read import read
from appserver.errors import Invalid, InvalidMany

VERSION = "2026.11.22-17"
DIGEST = "sha256:" + "a" * 64
WHOLE = f"""
version: {VERSION}
images:
  etcd: registry.example/etcd:v3.5.16@{DIGEST}
debs:
  moorage: 1.2.3-1~deb12u1
steps:
  - name: etcd
    playbook: etcd.yml
    scope: one
    timeout: 15m
    retries: 2
    guard: [{{etcd: true}}]
    health:
      - etcd: true
        within: 2m
      - tcp: 127.0.0.1:2379
      - http: http://127.0.0.1:8080/healthz
      - container: etcd
      - command: [systemctl, is-active, etcd]
    rollback: etcd-back.yml
    variables: {{etcd_version: "3.5.16"}}
  - name: base image
    playbook: basefs.yml
    scope: once
    target: basefs
  - {{name: agent, playbook: agent.yml, waves: [1, 2]}}
"""
FILES = dict.fromkeys(("etcd.yml", "etcd-back.yml", "basefs.yml", "agent.yml"), "")


def faults(text: str) -> tuple[tuple[str, str], ...]:
    with pytest.raises(Invalid) as refused:
        read({**FILES, "release.yml": text}, VERSION)
    error = refused.value
    return error.faults if isinstance(error, InvalidMany) else ((error.where, error.why),)


def test_a_whole_release_is_read() -> None:
    """Every field, with its default where it is left out."""
    assert read({**FILES, "release.yml": WHOLE}, VERSION) == Release(
        VERSION,
        (
            ReleaseStep(
                "etcd",
                "etcd.yml",
                "one",
                timeout_s=900.0,
                retries=2,
                health=(
                    Probe("etcd", (), 120.0),
                    Probe("tcp", ("127.0.0.1:2379",)),
                    Probe("http", ("http://127.0.0.1:8080/healthz",)),
                    Probe("container", ("etcd",)),
                    Probe("command", ("systemctl", "is-active", "etcd")),
                ),
                guard=(Probe("etcd"),),
                rollback="etcd-back.yml",
                variables={"etcd_version": "3.5.16"},
            ),
            ReleaseStep("base image", "basefs.yml", "once", "basefs"),
            ReleaseStep("agent", "agent.yml", waves=(1, 2)),
        ),
        {"etcd": f"registry.example/etcd:v3.5.16@{DIGEST}"},
        {"moorage": "1.2.3-1~deb12u1"},
    )


STEP = "name: a, playbook: agent.yml"


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("", "release.yml", "is no mapping"),
        ("[]", "release.yml", "is no mapping"),
        ("steps: []", "steps", "there has to be one at least"),
        (f"steps: [{{{STEP}}}, {{{STEP}}}]", "steps", "two have the name 'a'"),
        (f"step: []\nsteps: [{{{STEP}}}]", "step", "is not known; did you mean steps?"),
        (f"version: 2026.11.22-18\nsteps: [{{{STEP}}}]", "version", f"is '2026.11.22-18'; the tag says {VERSION}"),
        ("steps: [{playbook: agent.yml}]", "steps/0/name", "is missing"),
        ("steps: [{name: a, playbook: ../x.yml}]", "steps/0/playbook", "'../x.yml' is no playbook of this repository"),
        ("steps: [{name: a, playbook: release.txt}]", "steps/0/playbook", "'release.txt' is no playbook of this"),
        (f"steps: [{{{STEP}, scope: some}}]", "steps/0/scope", "is one of all, one, once"),
        (f"steps: [{{{STEP}, scope: once}}]", "steps/0/target", "is missing"),
        (f"steps: [{{{STEP}, target: x}}]", "steps/0/target", "is of a step with `scope: once` alone"),
        (f"steps: [{{{STEP}, scope: one, waves: [1]}}]", "steps/0/waves", "are of a step with `scope: all` alone"),
        (f"steps: [{{{STEP}, waves: [0]}}]", "steps/0/waves/0", "is a whole number from 1 to 1000"),
        (f"steps: [{{{STEP}, retries: 9}}]", "steps/0/retries", "is a whole number from 0 to 5"),
        (f"steps: [{{{STEP}, retries: true}}]", "steps/0/retries", "is a whole number from 0 to 5"),
        (f"steps: [{{{STEP}, timeout: soon}}]", "steps/0/timeout", "is no duration"),
        (f"steps: [{{{STEP}, timeout: 48h}}]", "steps/0/timeout", "is over 0 and up to 24h"),
        (f"steps: [{{{STEP}, guard: [etcd: true]}}]", "steps/0/scope", "is done with `scope: one`"),
        (f"steps: [{{{STEP}, health: [{{}}]}}]", "steps/0/health/0", "names one of container, http"),
        (f"steps: [{{{STEP}, health: [{{command: reboot}}]}}]", "steps/0/health/0/command", "is a list of words"),
        (f"steps: [{{{STEP}, health: [{{http: 'ftp://a'}}]}}]", "steps/0/health/0/http", "is no URL"),
        (f"steps: [{{{STEP}, health: [{{tcp: a}}]}}]", "steps/0/health/0/tcp", "is no host:port"),
        (f"steps: [{{{STEP}, variables: {{hostvars: 1}}}}]", "steps/0/variables/hostvars", "the inventory"),
        (f"steps: [{{{STEP}, variables: {{db_password: x}}}}]", "steps/0/variables/db_password", "is a secret's name"),
        (f"steps: [{{{STEP}, variables: {{a: [{{token: x}}]}}}}]", "steps/0/variables/a/0/token", "is a secret's name"),
        (
            f"steps: [{{{STEP}, variables: {{from: 'https://ann:x@git.example'}}}}]",
            "steps/0/variables/from",
            "holds a password",
        ),
        (
            f"steps: [{{{STEP}, variables: {{pem: '-----BEGIN EC PRIVATE KEY-----'}}}}]",
            "steps/0/variables/pem",
            "holds a password or private key",
        ),
        (f"steps: [{{{STEP}, variables: {{secrets: {{a: x}}}}}}]", "steps/0/variables/secrets/a", "is a secret's name"),
        (f"steps: [{{{STEP}, variables: {{at: 'https://ghp_1@a'}}}}]", "steps/0/variables/at", "holds a password"),
        (f"images: {{web: 'web:latest'}}\nsteps: [{{{STEP}}}]", "images/web", "is no image with tag and digest"),
        (f"debs: {{UP: '1'}}\nsteps: [{{{STEP}}}]", "debs/UP", "cannot be called that"),
        ("steps: [{name: a", "release.yml", "release.yml:2: is not YAML"),
        ("&a [*a]", "release.yml", ""),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, where: str, why: str) -> None:
    """So that a person mends a file in one pass."""
    assert any(place == where and why in told for place, told in faults(text)), faults(text)


def test_all_faults_are_told_at_once() -> None:
    """Of several steps."""
    assert len(faults("steps: [{name: a}, {name: b, scope: x, playbook: agent.yml}]\nother: 1")) == 3


def test_without_a_manifest_there_is_no_release() -> None:
    """A tag alone is none."""
    with pytest.raises(Invalid, match=r"release\.yml: is not in the repository at this tag"):
        read({}, VERSION)
