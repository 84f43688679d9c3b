"""Releases of a lab's own parts: etcd, a container of each engine, the agent, an application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.lab.boot_hosts import BootHost
from tests.lab.git import Copy
from tests.lab.images import busybox
from tests.lab.programs import holding, renumbered
from tests.lab.site_apps import load

FIRST, LATER = "0.1.0", "0.1.1"
HEAD = """
- name: {name}
  hosts: localhost
  gather_facts: false
  tasks:
"""
ETCD = """
- name: etcd, restarted where its settings changed
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Whether this host is a member is known
      ansible.builtin.command: {argv: [systemctl, list-unit-files, etcd.service]}
      register: unit
      changed_when: false
      failed_when: false

    - name: It has the settings of the release
      when: "'etcd.service' in unit.stdout"
      block:
        - name: Where its settings are is there
          ansible.builtin.file: {path: /etc/systemd/system/etcd.service.d, state: directory, mode: "0755"}

        - name: Its settings are those of the release
          ansible.builtin.copy:
            dest: /etc/systemd/system/etcd.service.d/release.conf
            content: "[Service]\\nEnvironment=SITE_RELEASE={{ moorage_release }}\\n"
            mode: "0644"
          register: settings

        - name: Etcd runs with them
          ansible.builtin.systemd_service: {name: etcd, state: restarted, daemon_reload: true}
          when: settings.changed
"""
PROBE = (
    HEAD.format(name="A container of this host's engine")
    + """
    - name: What runs
      ansible.builtin.command:
        argv: [docker, ps, -q, --filter, name=site-probe, --filter, "label=release={{ moorage_release }}"]
      register: running
      changed_when: false

    - name: The one before is gone
      ansible.builtin.command: {argv: [docker, rm, -f, site-probe]}
      when: not running.stdout
      changed_when: true

    - name: It is that of the release
      ansible.builtin.command:
        argv:
          [docker, run, -d, --name, site-probe, --label, "release={{ moorage_release }}", "{{ image }}", sleep, "9999"]
      when: not running.stdout
      changed_when: true
"""
)
AGENT = """
- name: The agent, of the version that the release names
  hosts: localhost
  gather_facts: false
  tasks:
    - name: That version is there
      ansible.builtin.import_role: {name: moorage.boot.program, tasks_from: brought}
      vars: {program_archive: "/root/moorage-{{ program }}.tar"}

    - name: It is what the agent is started from
      ansible.builtin.replace:
        path: /etc/systemd/system/moorage-agent.service
        regexp: ^ExecStart=\\S+/bin/moorage
        replace: "ExecStart={{ program_home }}/bin/moorage"
      register: unit

    - name: The agent runs with it
      ansible.builtin.systemd_service: {name: moorage-agent, state: restarted, daemon_reload: true, no_block: true}
      when: unit.changed

    - name: Its end is waited for
      ansible.builtin.command: {argv: [sleep, "30"]}
      when: unit.changed
      changed_when: true
"""
APP = (
    HEAD.format(name="The sample application")
    + """
    - name: Its definition is there
      ansible.builtin.copy:
        dest: /root/sample.yml
        content: "{{ {'services': {'main': {'image': image, 'environment': {'RELEASE': moorage_release}}}} | to_json }}"
        mode: "0600"

    - name: It is deployed
      ansible.builtin.command: {argv: [moorage, app, deploy, sample, -f, /root/sample.yml, "--yes"]}
      environment: {HOME: /root}
      changed_when: true
"""
)
SLOW = (
    HEAD.format(name="A long one")
    + """
    - name: It takes its time
      ansible.builtin.command: {argv: [sleep, "{{ takes }}"]}
      changed_when: false
"""
)


def furnish(host: BootHost, archive: Path) -> None:
    """What a site has a mirror for: the image, and two versions of Moorage."""
    load(host, busybox())
    for version in (FIRST, LATER):
        host.put(holding(f"moorage-{version}.tar", renumbered(archive, version)), "/root")


def push(copy: Copy, number: int, *more: Mapping[str, object], program: str = LATER) -> str:
    """A release of the site's own parts, with that version of Moorage; its own version."""
    version = f"2026.11.22-{number}"
    etcd = {"etcd": True, "within": "2m"}
    steps = [
        {"name": "etcd", "playbook": "etcd.yml", "scope": "one", "guard": [etcd], "health": [etcd]},
        {
            "name": "probe",
            "playbook": "probe.yml",
            "health": [{"container": "site-probe"}],
            "variables": {"image": busybox()},
        },
        {
            "name": "agent",
            "playbook": "agent.yml",
            "variables": {"program": program},
            "health": [{"command": ["systemctl", "is-active", "moorage-agent"]}],
        },
        {"name": "app", "playbook": "app.yml", "scope": "once", "target": "sample", "variables": {"image": busybox()}},
        *more,
    ]
    books = {"etcd.yml": ETCD, "probe.yml": PROBE, "agent.yml": AGENT, "app.yml": APP, "slow.yml": SLOW}
    copy.commit({"release.yml": json.dumps({"steps": steps}), **books}, f"release {version}")
    copy.git("tag", f"release-{version}")
    copy.push("origin", "HEAD:main", f"release-{version}", check=True)
    return version
