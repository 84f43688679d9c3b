"""`moorage update clone | lint | build | check | releases | aside`: made, checked, looked for and put aside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client
from appserver.cli.clone import clone_releases
from appserver.cli.plans import PENDING, print_diff
from appserver.cli.reading import read_bytes, read_text, tree
from appserver.core import release_tree, release_versions
from appserver.core.config_tree import MAX_FAULTS, Fault
from appserver.core.release import FILE, Release
from appserver.core.release_lint import examined, faults_of, untagged
from appserver.core.release_newest import IGNORE_FILE, Ignored, read_ignored
from appserver.errors import Invalid, InvalidMany, NotFound

_CALLERS_MISTAKE = 2
_LOOK_S = 90.0
_DIRECTORY = click.Path(path_type=Path)


@click.command(cls=lazy.Command)
@click.argument("directory", type=_DIRECTORY, default=".")
@click.option("--tag", default="", help="Of its repository, instead of the files as they lie there.")
def lint(directory: Path, tag: str) -> int:
    """Check the release in DIRECTORY as a push of it would be, offline. Exit status 2 when something is wrong."""
    found: Release | None = None
    faults: tuple[Fault, ...] = ()
    try:
        found = _examined(directory, tag)
    except Invalid as error:
        faults = faults_of(error)
    if lazy.wants_json():
        show.as_json({"items": [{"where": where, "why": why} for where, why in faults]})
    else:
        for where, why in faults[:MAX_FAULTS]:
            show.say(f"{where}: {why}" if where else why, err=True)
        if found:
            show.say(f"{tag or directory}: release {found.version}, {_counted(found)}; nothing wrong")
    return _CALLERS_MISTAKE if faults else 0


@click.command(cls=lazy.Command)
@click.argument("directory", type=_DIRECTORY, default=".")
@click.option("--id", "number", type=click.IntRange(1, 999_999_999), help="Number of the version; else the next.")
@click.option("--release", is_flag=True, help="No pre-releases of images, and no other major numbers.")
@click.option("--registry", "registries", multiple=True, metavar="[http://]HOST:PORT", help="In a private network.")
@click.option("--write", is_flag=True, help=f"Write {FILE}; else the difference is shown alone.")
def build(directory: Path, number: int | None, release: bool, registries: tuple[str, ...], write: bool) -> int:
    """Make the next release.yml: newest packages of this host's apt, newest tags of its images, each with its digest.

    Exit status 3: there is something newer, and it was not written.
    """
    from appserver.services.release_build import Wish
    from appserver.wiring.release_build import release_build

    path = directory / FILE
    text = read_text(path, str(path))
    wish = Wish(text, _newest_of(directory, text), _today(), number, release, _ignored(directory))
    built = release_build(registries)(wish)
    if write and built.diff:
        path.write_text(built.text, encoding="utf-8")
    if lazy.wants_json():
        written = write and bool(built.diff)
        show.as_json({"version": built.version, "diff": built.diff, "notes": list(built.notes), "written": written})
    else:
        for note in built.notes:
            show.note(note)
        print_diff(built.diff)
        if not built.diff:
            show.say(f"nothing is newer than in {built.version or path}")
        elif write:
            show.note(f"{path} is release {built.version}; commit it, and give it the tag test-{built.version}")
    return PENDING if built.diff and not write else 0


@click.command(cls=lazy.Command)
def check() -> int:
    """Have it looked for a new release now. Exit status 1 when that went wrong."""
    found = client(_LOOK_S).post("releases", "check")
    if lazy.wants_json():
        show.as_json(found)
    else:
        _search(found)
    return 1 if found["error"] else 0


@click.command(cls=lazy.Command)
def releases() -> None:
    """Releases on record, the newest first, and how the search for new ones goes."""
    api = client()
    found = api.items("releases")
    if not lazy.wants_json():
        _search(api.get("releases")["search"])
    show.listing(found if lazy.wants_json() else list(map(_row, found)), _COLUMNS, "no release is on record yet")


@click.command(cls=lazy.Command)
@click.argument("version")
@click.option("--reason", default="", help="Why; without one it is taken by itself again.")
def aside(version: str, reason: str) -> None:
    """Put a release aside: it is not taken by itself any more. Asked for by name it still is."""
    found = client().put("releases", version, "aside", body={"reason": reason})
    told = f"is put aside: {found['aside']}" if found["aside"] else "is not put aside"
    show.done(f"release {found['version']} {told}", version=found["version"], aside=found["aside"])


COMMANDS = (clone_releases, lint, build, check, releases, aside)


def _examined(directory: Path, tag: str) -> Release:
    """
    Raises:
        Invalid, InvalidMany: with every fault.
    """
    if tag:
        from appserver.wiring.release_build import repository_of

        known, repository = release_versions.tagged(tag), repository_of(directory)
        if known is None:
            raise Invalid("--tag", f"{tag[:80]!r} is no release: such a tag is called test-YYYY.MM.DD-ID")
        found = repository.tags().get(tag)
        if found is None:
            raise NotFound(f"{directory} has no tag {tag}")
        return examined(repository.tree(repository.tag(tag, found.id).commit), str(known[1]))
    entries = tuple(tree(directory))
    if refused := release_tree.faults(entries):
        raise InvalidMany(refused)
    paths = [entry.path.decode() for entry in entries]
    files, bad = release_tree.texts([(path, read_bytes(directory / path, path)) for path in paths])
    if bad:
        raise InvalidMany(bad)
    return examined(files, untagged(files, _today()))


def _counted(found: Release) -> str:
    counts = ((len(found.images), "image"), (len(found.debs), "package"), (len(found.steps), "step"))
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)


def _newest_of(directory: Path, text: str) -> str:
    """The last version: of the tags of its repository, or what the manifest says."""
    from appserver.wiring.release_build import repository_of

    said = untagged({FILE: text}, _today()) if "version:" in text else ""
    known = [found[1] for tag in repository_of(directory).tags() if (found := release_versions.tagged(tag))]
    known = [one for one in known if str(one) != release_versions.FIXED]
    if said:
        known.append(release_versions.parse(said, f"{FILE}: version"))
    return str(max(known)) if known else ""


def _ignored(directory: Path) -> Ignored:
    path = directory / IGNORE_FILE
    return read_ignored(read_text(path, str(path))) if path.exists() else Ignored()


def _today() -> date:
    return datetime.now(UTC).date()


def _search(found: Mapping[str, Any]) -> None:
    show.note(f"channel {found['channel']}, from {found['source']}")
    told = found["frozen"] or found["why"]
    if found["found"]:
        show.note(f"it is at {found['found']}" + (f"; {told}" if told else ""))
    elif told:
        show.note(told)
    if found["error"]:
        show.say(f"{show.short_time(found['error_at'])}: {found['error']}", "red", err=True)
    if found["looked_at"]:
        show.note(f"looked {show.short_time(found['looked_at'])}; next window {_time(found['next_window'])}")


def _time(text: str | None) -> str:
    return show.short_time(text) if text else "none"


def _row(one: Mapping[str, Any]) -> Mapping[str, Any]:
    state = "in force" if one["in_force"] else f"aside: {one['aside']}" if one["aside"] else ""
    return {**one, "commit": one["commit"][:12], "tags": " ".join(one["tags"]), "state": state}


_COLUMNS = {"version": "version", "tags": "tags", "commit": "commit", "signed by": "signed_by", "state": "state"}
