#!/usr/bin/python
"""Ansible module: an engine has the image of a base file system, and no old one that nothing uses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: basefs_image
short_description: An engine has a base image, and no old one that nothing uses
version_added: 0.1.0
description:
  - Looks whether the image is here, loads it from an archive where one is given, and removes other versions of it.
  - A version stays while a container, running or stopped, or another image stands on it.
options:
  repository:
    description: Name of the image, without a tag. Its other tags are the other versions.
    type: str
    required: true
  version:
    description: The tag.
    type: str
    required: true
  ids:
    description: Id of the image, and digest of its manifest, by which some engines call it.
    type: list
    elements: str
    required: true
  archive:
    description: What to load it from. Without it, the module only looks, and nothing is changed.
    type: path
  export:
    description: Write the image, which is here, into this file.
    type: path
  prune:
    description: Remove other versions that nothing stands on.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: "Shows what is loaded and removed, and why."}
  idempotent: {support: full, description: An image that is here is not loaded again.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The base image is here
  moorage.boot.basefs_image:
    repository: moorage/basefs
    version: "2026.11"
    ids: ["{{ __basefs.image }}", "{{ __basefs.digest }}"]
    archive: /var/tmp/basefs.tar.gz
    prune: true
"""

RETURN = r"""
here:
  description: Whether the image is here now.
  type: bool
  returned: always
id:
  description: What the engine calls it; empty where it is not here.
  type: str
  returned: always
versions:
  description: Every version that is here, to what the engine calls it.
  type: dict
  returned: always
kept:
  description: References of other versions, to the containers and images that stand on them.
  type: dict
  returned: always
removed:
  description: References that were or would be removed.
  type: list
  elements: str
  returned: always
"""

import json  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import basefs  # noqa: E402


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "repository": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "ids": {"type": "list", "elements": "str", "required": True},
            "archive": {"type": "path"},
            "export": {"type": "path"},
            "prune": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("archive", "export")],
        supports_check_mode=True,
    )
    asked = module.params
    ids = [name for name in asked["ids"] if name]
    reference = f"{asked['repository']}:{asked['version']}"
    if not module.get_bin_path("docker") and module.check_mode:  # a check installs no engine
        module.exit_json(changed=bool(asked["archive"]), here=False, id="", kept={}, removed=[], versions={})
    seen = _look(module)
    plan = basefs.decide(seen, asked["repository"], asked["version"], ids)
    acts = basefs.Plan(plan.load and bool(asked["archive"]), plan.tag, plan.remove if asked["prune"] else (), plan.kept)
    found = _id(seen, ids)
    if asked["export"] and found and not module.check_mode:
        _docker(module, "save", "--output", asked["export"], reference if not plan.tag else found)
    elif not module.check_mode:
        found = _act(module, acts, reference, ids, found)
    module.exit_json(
        changed=bool(acts.text),
        here=bool(found),
        id=found,
        kept=dict(plan.kept),
        removed=list(acts.remove),
        versions=_versions(module, seen, acts, found),
        diff={"before": "", "after": acts.text, "after_header": f"steps for {reference}"},
    )


def _act(module: AnsibleModule, acts: basefs.Plan, reference: str, ids: list[str], found: str) -> str:
    """Do it; the id of the image as it is called here then."""
    if acts.load:
        _docker(module, "load", "--quiet", "--input", module.params["archive"])
        found = _id(_look(module), ids)
        if not found:
            module.fail_json(msg=f"{module.params['archive']} was loaded, and is not {' or '.join(ids)}")
    if acts.tag:
        _docker(module, "tag", found, reference)
    for name in acts.remove:
        _docker(module, "image", "rm", name)
    return found


def _look(module: AnsibleModule) -> basefs.Seen:
    images = _inspect(module, "image", _docker(module, "image", "ls", "--quiet", "--no-trunc", "--all").split())
    containers = _inspect(module, "container", _docker(module, "ps", "--all", "--quiet", "--no-trunc").split())
    return basefs.Seen(
        tuple(
            basefs.Image(one["Id"], tuple(one["RootFS"].get("Layers") or ()), tuple(one["RepoTags"] or ()))
            for one in images
        ),
        {one["Name"].lstrip("/"): one["Image"] for one in containers},
    )


def _inspect(module: AnsibleModule, kind: str, ids: list[str]) -> list[dict[str, object]]:
    """Of those that are still there: any may go at any moment."""
    if not ids:
        return []
    _, out, _ = module.run_command(["docker", kind, "inspect", *sorted(set(ids))])
    return json.loads(out or "[]")


def _versions(module: AnsibleModule, seen: basefs.Seen, acts: basefs.Plan, found: str) -> dict[str, str]:
    """What is here once it is done."""
    name = f"{module.params['repository']}:"
    tags = {tag: image.id for image in seen.images for tag in image.tags if tag.startswith(name)}
    left = {tag.removeprefix(name): image for tag, image in tags.items() if tag not in acts.remove}
    return {**left, module.params["version"]: found} if found else left


def _id(seen: basefs.Seen, ids: list[str]) -> str:
    return next((image.id for image in seen.images if image.id in ids), "")


def _docker(module: AnsibleModule, *argv: str) -> str:
    code, out, error = module.run_command(["docker", *argv])
    if code:
        module.fail_json(msg=f"docker {' '.join(argv)}: {(error or out).strip()}")
    return out


if __name__ == "__main__":
    main()
