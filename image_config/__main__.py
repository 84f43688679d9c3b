"""`python -m image_config`: explain one container of a directory, lint a directory, print the documentation."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from image_config import docs
from image_config.documents import EXTENSIONS
from image_config.errors import ConfigError
from image_config.files import Repository
from image_config.labels import from_labels
from image_config.merge import resolve
from image_config.model import Target
from image_config.resolved import Resolved

DONE, FAULTY = 0, 2


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        return int(given.act(given))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return FAULTY


def read_directory(directory: Path) -> dict[str, str]:
    """Path to text of its configuration files; symbolic links and hidden directories are not followed.

    Raises:
        ConfigError: the directory is none, or a file is not UTF-8.
    """
    if not directory.is_dir():
        raise ConfigError(str(directory), 0, "", "is not a directory")
    found: dict[str, str] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.suffix not in EXTENSIONS or any(part.startswith(".") for part in name.split("/")):
            continue
        if path.is_symlink() or not path.is_file():
            continue
        try:
            found[name] = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as e:
            raise ConfigError(name, 0, "", "is not UTF-8 text") from e
    return found


def _explain(given: argparse.Namespace) -> int:
    target = Target(given.image, given.cluster, given.application, given.service, given.container)
    labels = dict(label.partition("=")[::2] for label in given.label)
    layers = Repository(read_directory(given.directory)).layers(target)
    resolved = resolve((from_labels(labels, image=given.image, digest=""), *layers))
    sys.stdout.write(_as_json(resolved) if given.json else _as_text(resolved))
    return DONE


def _lint(given: argparse.Namespace) -> int:
    repository = Repository(read_directory(given.directory))
    faults = repository.faults()
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    for path in repository.unreached():
        sys.stdout.write(f"{path}: warning: no look-up reaches this file, and no other file includes it\n")
    return FAULTY if faults else DONE


def _docs(_: argparse.Namespace) -> int:
    sys.stdout.write(docs.text())
    return DONE


def _as_text(resolved: Resolved) -> str:
    lines = []
    for row in resolved.explain():
        name = f"{row.option}/{row.key}" if row.key else row.option
        hidden = ", ".join(str(source) for source, _ in row.hides)
        lines.append(f"{name} = {row.text}    # {row.source}{f', hides {hidden}' if hidden else ''}")
    lines += [f"constraint {text}" for text in resolved.constraints]
    lines += [f"affinity {text}" for text in resolved.affinities]
    lines += [f"warning: {notice}" for notice in resolved.warnings]
    return "".join(f"{line}\n" for line in lines)


def _as_json(resolved: Resolved) -> str:
    whole = {
        "items": [row.to_json() for row in resolved.explain()],
        "service": resolved.to_compose(),
        "constraints": resolved.constraints,
        "affinities": resolved.affinities,
        "warnings": [str(notice) for notice in resolved.warnings],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m image_config", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    explain = verbs.add_parser("explain", help="every value of one container, its source, and what it hides")
    explain.add_argument("directory", type=Path)
    explain.add_argument("--image", required=True, help="reference, as in a compose file")
    for name in ("cluster", "application", "service", "container"):
        explain.add_argument(f"--{name}", default="")
    explain.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="a label of the image")
    explain.add_argument("--json", action="store_true")
    explain.set_defaults(act=_explain)
    lint = verbs.add_parser("lint", help="every fault of a directory; exit code 2 where there is one")
    lint.add_argument("directory", type=Path)
    lint.set_defaults(act=_lint)
    document = verbs.add_parser("docs", help="docs/config-sources.md, from the tables")
    document.set_defaults(act=_docs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
