"""The next release of a manifest: what is newest in the package mirror and the registries, pinned by digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from appserver.core.release_build import Parts, difference, next_version, parts, rewritten, split
from appserver.core.release_newest import Ignored, newest_tag
from appserver.errors import NotFound
from appserver.ports.releases import Mirror, TagList


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made. `number`: of the version; None: the next. `release`: no pre-releases, no other majors."""

    text: str
    before: str
    today: date
    number: int | None = None
    release: bool = False
    ignored: Ignored = field(default_factory=Ignored)


@dataclass(frozen=True, slots=True)
class Built:
    """`diff` is empty where nothing is newer. `notes` tell of what was left as it is, and why."""

    version: str
    text: str
    diff: str
    notes: tuple[str, ...] = ()


class ReleaseBuild:
    def __init__(self, *, mirror: Mirror, registries: TagList) -> None:
        self._mirror = mirror
        self._registries = registries

    def __call__(self, wish: Wish) -> Built:
        """
        Raises:
            Invalid, NotFound, RegistryError, BackendError
        """
        seen = parts(wish.text)
        images = {name: self._image(name, image, wish) for name, image in seen.images.items()}
        debs, notes = self._debs(seen.debs, wish)
        if images == seen.images and debs == seen.debs and wish.number is None:
            return Built(seen.version, wish.text, "", notes)
        version = next_version(wish.before or seen.version, wish.today, wish.number)
        text = rewritten(wish.text, Parts(version, images, debs))
        return Built(version, text, difference(wish.text, text), notes)

    def _image(self, name: str, image: str, wish: Wish) -> str:
        repository, tag = split(image)
        newest = newest_tag(tag, self._registries.tags(repository), wish.release, wish.ignored.images.get(name, ()))
        digest = self._registries.digest(f"{repository}:{newest}")
        if not digest:
            raise NotFound(f"images/{name}: its registry does not have {repository}:{newest}")
        return f"{repository}:{newest}@{digest}"

    def _debs(self, seen: Mapping[str, str], wish: Wish) -> tuple[dict[str, str], tuple[str, ...]]:
        found = self._mirror.newest(tuple(seen))
        made, notes = {}, []
        for name, version in seen.items():
            new = found.get(name, "")
            if not new:
                notes.append(f"debs/{name}: no source of apt has it; it stays at {version}")
            elif wish.ignored.deb(name, new):
                notes.append(f"debs/{name}: {new} is ignored; it stays at {version}")
            made[name] = version if not new or wish.ignored.deb(name, new) else new
        return made, tuple(notes)
