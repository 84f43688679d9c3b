#!/usr/bin/python
"""Ansible module: an archive with the image of a base file system."""

from __future__ import annotations

DOCUMENTATION = r"""
module: basefs_build
short_description: A base file system is built from packages, as an archive that engines load
version_added: 0.1.0
description:
  - Bootstraps Debian packages with C(mmdebstrap) and packs the result as an image.
  - The same packages make the same bytes, on whatever host and at whatever time they are built.
options:
  archive:
    description: The file that is written.
    type: path
    required: true
  reference:
    description: Name and tag of the image. The tag is the version.
    type: str
    required: true
  suite:
    description: Suite of Debian.
    type: str
    required: true
  packages:
    description: Packages beside those that are essential.
    type: list
    elements: str
    required: true
  sources:
    description: Lines of C(sources.list). Without any, the mirrors that this host uses for the suite.
    type: list
    elements: str
    default: []
  epoch:
    description: Seconds since 1970 that every file is at most as young as.
    type: int
    required: true
attributes:
  check_mode: {support: full, description: Says that it would build.}
  diff_mode: {support: none, description: An archive has no lines.}
  idempotent: {support: none, description: It builds. Who calls it knows whether that is needed.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The base file system is built
  moorage.boot.basefs_build:
    archive: /var/tmp/basefs.tar.gz
    reference: moorage/basefs:2026.11
    suite: bookworm
    packages: [openssh-server, python3-venv]
    epoch: 1700000000
"""

RETURN = r"""
image:
  description: Id of the image, which is the digest of its configuration.
  type: str
  returned: when built
digest:
  description: Digest of its manifest.
  type: str
  returned: when built
inputs:
  description: Digest of what it was built from, as far as people decide that.
  type: str
  returned: always
packages:
  description: Every package in it, with its version.
  type: dict
  returned: when built
"""

import os  # noqa: E402
import tempfile  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import basefs, basefs_archive  # noqa: E402

LEAVE_OUT = ("man", "doc", "info", "locale", "lintian")
"""Below /usr/share. Copyright notices stay: their licences ask for that."""
OF_THE_BUILDER = ("/etc/hostname", "/etc/resolv.conf", "/etc/machine-id", "/var/lib/dbus/machine-id")
"""What says where it was built, or would make all hosts the same one."""
RANDOM = ("/etc/ssh/ssh_host_*", "/etc/ssl/private/ssl-cert-snakeoil.key", "/etc/ssl/certs/ssl-cert-snakeoil.pem")
MADE_AGAIN = ("/var/cache/ldconfig/aux-cache", "/var/log/*.log", "/var/log/apt/*", "/var/cache/debconf/*-old")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "archive": {"type": "path", "required": True},
            "reference": {"type": "str", "required": True},
            "suite": {"type": "str", "required": True},
            "packages": {"type": "list", "elements": "str", "required": True},
            "sources": {"type": "list", "elements": "str", "default": []},
            "epoch": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    asked = module.params
    inputs = basefs.Inputs(asked["suite"], tuple(asked["packages"]), tuple(asked["sources"]), asked["epoch"])
    if module.check_mode:
        module.exit_json(changed=True, inputs=inputs.digest)
    directory = os.path.dirname(asked["archive"])
    with tempfile.TemporaryDirectory(prefix="moorage-basefs-", dir=directory) as room:
        layer = os.path.join(room, "layer.tar")
        _bootstrap(module, inputs, layer)
        architecture = module.run_command(["dpkg", "--print-architecture"], check_rc=True)[1].strip()
        new = os.path.join(room, "archive")
        image, digest = basefs_archive.pack(layer, new, asked["reference"], inputs, architecture)
        packages = basefs.installed(basefs_archive.status(layer))
        os.chmod(new, 0o644)
        os.replace(new, asked["archive"])
    module.exit_json(changed=True, image=image, digest=digest, inputs=inputs.digest, packages=packages)


def _bootstrap(module: AnsibleModule, inputs: basefs.Inputs, layer: str) -> None:
    gone = " ".join(f'"$1"{path}' for path in (*OF_THE_BUILDER, *RANDOM, *MADE_AGAIN))
    argv = [
        *("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--format=tar"),
        *("--aptopt=APT::Install-Recommends false", "--aptopt=Acquire::Retries 3"),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEAVE_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--include={','.join(sorted(set(inputs.packages)))}",
        f"--customize-hook=rm -f {gone}",
        # Empty rather than missing: an init system makes one at its first start.
        '--customize-hook=: > "$1/etc/machine-id"',
        *(inputs.suite, layer, *(inputs.sources or _mirrors(module, inputs.suite))),
    ]
    environ = {"SOURCE_DATE_EPOCH": str(inputs.epoch), "LC_ALL": "C.UTF-8", "TMPDIR": os.path.dirname(layer)}
    code, out, error = module.run_command(argv, environ_update=environ)
    if code:
        module.fail_json(msg=f"mmdebstrap of {inputs.suite} failed: {(error or out).strip()[-3000:]}")


def _mirrors(module: AnsibleModule, suite: str) -> list[str]:
    """Lines for the suite, its updates and its security updates, at the mirrors that this host uses for its own."""
    form = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    argv = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    _, out, _ = module.run_command(argv, check_rc=True)
    rows = [line.split() for line in out.splitlines()]
    parts = {release.partition("-")[2]: uri for release, component, uri in rows if component == "main"}
    found = [
        f"deb {parts[part]} {suite}{part and '-'}{part} main" for part in ("", "updates", "security") if part in parts
    ]
    if "" not in parts:
        module.fail_json(msg="no apt source of this host offers the main component of a suite; set basefs_sources")
    return found


if __name__ == "__main__":
    main()
