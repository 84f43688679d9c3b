"""A repository of configuration at one commit: the layers of a container, and every fault of the whole."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from image_config import documents, lookup
from image_config.documents import Document
from image_config.errors import ConfigError, fail, plain
from image_config.includes import chain, closure, meant
from image_config.model import Layer, Path, Source, Target
from image_config.options import INCLUDE
from image_config.reader import layer_of
from image_config.reading import nearest


def from_files(files: Mapping[str, str], target: Target, *, commit: str) -> tuple[Layer, ...]:
    """The layers of one container, weakest first. For many containers make one `Repository`.

    Args:
        files: path to text, of every file at the commit; only configuration is read.
    Raises:
        ConfigError: a file that this container needs is wrong; every fault of those files.
    """
    return Repository(files, commit).layers(target)


def lint(files: Mapping[str, str], commit: str = "") -> tuple[ConfigError, ...]:
    """Every fault of every configuration file, in the order of paths; none for a sound repository."""
    return Repository(files, commit).faults()


class Repository:
    """Reads each file once, when it is first needed; answers for any number of containers.

    `earlier` is the repository at another commit: files whose text has not changed are not read again.
    """

    def __init__(self, files: Mapping[str, str], commit: str = "", earlier: Repository | None = None) -> None:
        self.commit = commit
        self._files = {path: text for path, text in files.items() if _is_configuration(path)}
        self._documents: dict[str, Document] = {}
        self._faults: dict[str, tuple[ConfigError, ...]] = {}
        self._layers: dict[str, Layer] = {}
        self._stacks: dict[str, tuple[Layer, ...]] = {}
        self._by_stem: dict[str, tuple[str, ...]] = {}
        for path in sorted(self._files):
            name = lookup.stem(path)
            self._by_stem[name] = (*self._by_stem.get(name, ()), path)
        if earlier:
            kept = {path: text for path, text in earlier._files.items() if self._files.get(path) == text}
            self._documents = {path: found for path, found in earlier._documents.items() if path in kept}

    def layers(self, target: Target) -> tuple[Layer, ...]:
        """One layer for each file that applies, weakest first; an included file before the one that includes it.

        Raises:
            ConfigError: every fault of those files.
        """
        found: list[Layer] = []
        faults: list[ConfigError] = []
        for name in lookup.stems(target):
            paths = self._by_stem.get(name, ())
            if len(paths) > 1:
                faults.append(_ambiguous(paths))
            elif paths:
                found.extend(self._stack(paths[0], faults))
        if faults:
            fail(tuple(dict.fromkeys(faults)))
        return tuple(found)

    def faults(self) -> tuple[ConfigError, ...]:
        """As `lint`."""
        found = [_ambiguous(paths) for paths in self._by_stem.values() if len(paths) > 1]
        for path in self._files:
            found.extend(self._faults_of(path))
        return tuple(sorted(found, key=lambda fault: (fault.file, fault.line)))

    def unreached(self) -> tuple[str, ...]:
        """Configuration files too deep for any look-up, and included by none that is not."""
        reached: set[str] = set()
        for path in self._files:
            if path.count("/") < lookup.DEEPEST:
                reached.update(closure(path, self._included))
        return tuple(sorted(set(self._files) - reached))

    def _stack(self, path: str, faults: list[ConfigError]) -> tuple[Layer, ...]:
        if path not in self._stacks:
            parts = closure(path, self._included)
            wrong = [fault for each in parts for fault in self._faults_of(each)]
            if wrong:
                faults.extend(wrong)
                return ()
            self._stacks[path] = tuple(self._layer(each) for each in parts)
        return self._stacks[path]

    def _layer(self, path: str) -> Layer:
        if path not in self._layers:
            document = self._document(path)
            at: dict[int, Source] = {}

            def source(_: Path, line: int) -> Source:
                return at.setdefault(line, Source("git", commit=self.commit, file=path, line=line))

            self._layers[path] = layer_of(source((), 0), document.found, document.marks, source)
        return self._layers[path]

    def _faults_of(self, path: str) -> tuple[ConfigError, ...]:
        if path not in self._faults:
            document = self._document(path)
            found = list(document.faults)
            for number, (name, line) in enumerate(document.includes):
                if why := self._against(path, name):
                    near = self._near(path, name) if why.endswith("no such file") else ""
                    found.append(ConfigError(path, line, f"{INCLUDE}/{number}", f'"{plain(name)}" {why}', near))
            self._faults[path] = tuple(sorted(found, key=lambda fault: fault.line))
        return self._faults[path]

    def _against(self, path: str, name: str) -> str:
        """Why an include cannot be followed; empty when it can."""
        inner = meant(path, name, self._by_stem)
        if not inner:
            return "is not a path inside the repository, relative to this file"
        if not documents.extension(inner):
            return f"is not a {', '.join(documents.EXTENSIONS)} file"
        if inner not in self._files:
            return "is no such file"
        circle = chain(inner, path, self._included)
        return f"includes in a circle: {' → '.join((path, *circle))}" if circle else ""

    def _near(self, path: str, name: str) -> str:
        """The file most like the one that is not there, as one writes it in the file `path`."""
        here = posixpath.dirname(path)
        known = nearest(posixpath.normpath(posixpath.join(here, name)), self._files)
        return posixpath.relpath(known, here or ".") if known else ""

    def _included(self, path: str) -> tuple[str, ...]:
        named = (meant(path, name, self._by_stem) for name, _ in self._document(path).includes)
        return tuple(inner for inner in named if inner in self._files)

    def _document(self, path: str) -> Document:
        if path not in self._documents:
            self._documents[path] = documents.read(path, self._files[path])
        return self._documents[path]


def _is_configuration(path: str) -> bool:
    """Hidden directories are other programs' (`.github/workflows/x.yml`)."""
    return bool(documents.extension(path)) and not any(part.startswith(".") for part in path.split("/"))


def _ambiguous(paths: tuple[str, ...]) -> ConfigError:
    first, second, *others = paths
    return ConfigError(second, 0, "", f"is a second file for one thing: {', '.join([first, *others])} is there too")
