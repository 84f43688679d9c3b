"""Fetch, check and lay out what the web pages take from npm: `python tools/vendor.py [--check]`.

Its output is committed under `appserver/web/static/vendor/`, so nobody needs npm to run, change or package
Moorage; run it only to take a newer version. `--check` compares the committed files with the manifest, offline.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "appserver" / "web" / "static" / "vendor"
EDITOR = ROOT / "tools" / "editor"


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package: its tarball's sha256, and which of its files become which of ours."""

    name: str
    version: str
    sha256: str
    files: Mapping[str, str]


PACKAGES = (
    Package(
        "htmx.org",
        "2.0.11",
        "165a2655073e9e6e55e307a7c74e8ebcdb76afb7701f9c16cfd106a13add408e",
        {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "LICENSE.htmx.txt"},
    ),
    Package(
        "idiomorph",
        "0.7.4",
        "113bf6d2cbf8349c692e7e1f9c3db4c3d4d034d6adca19aeda5860b4c6bf34c1",
        {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js", "LICENSE": "LICENSE.idiomorph.txt"},
    ),
    Package(
        "@fontsource-variable/inter",
        "5.3.0",
        "d26710dd38e7217484a1d47ee76c024977ec550548876f26d06ed1844af09a14",
        {"files/inter-latin-wght-normal.woff2": "inter-5.3.0.woff2", "LICENSE": "LICENSE.inter.txt"},
    ),
    Package(
        "@fontsource-variable/jetbrains-mono",
        "5.3.0",
        "996fe6368a480c9ce15d4de22a2682b7c40b403718fee2b15e7272f244fd993f",
        {
            "files/jetbrains-mono-latin-wght-normal.woff2": "jetbrains-mono-5.3.0.woff2",
            "LICENSE": "LICENSE.jetbrains-mono.txt",
        },
    ),
    Package(
        "lucide-static",
        "1.62.0",
        "386f9080c440d6f5049cefe3456ae8357f7a0c7f76e59670cd1cb83bc7050a44",
        {"LICENSE": "LICENSE.lucide.txt"},
    ),
)
ICONS = (
    "activity",
    "anchor",
    "arrow-left",
    "arrow-right",
    "ban",
    "boxes",
    "check",
    "chevron-down",
    "chevron-right",
    "circle-check",
    "circle-dashed",
    "circle-pause",
    "circle-question-mark",
    "circle-stop",
    "circle-x",
    "clock",
    "copy",
    "cpu",
    "diff",
    "download",
    "ellipsis",
    "external-link",
    "eye",
    "file-text",
    "git-branch",
    "git-commit-horizontal",
    "globe",
    "hard-drive",
    "heart-pulse",
    "history",
    "info",
    "key-round",
    "layers",
    "link",
    "list-checks",
    "loader-circle",
    "log-in",
    "log-out",
    "memory-stick",
    "menu",
    "minus",
    "monitor",
    "moon",
    "network",
    "package-open",
    "pause",
    "pencil",
    "play",
    "plus",
    "rocket",
    "rotate-cw",
    "scroll-text",
    "search",
    "server",
    "shield-check",
    "square",
    "sun",
    "terminal",
    "trash-2",
    "triangle-alert",
    "undo-2",
    "upload",
    "user",
    "users",
    "waypoints",
    "x",
)


def main(argv: list[str]) -> int:
    if argv == ["--check"]:
        wrong = differences(VENDOR)
        print("\n".join(wrong) or "vendored files are as the manifest says")
        return 1 if wrong else 0
    VENDOR.mkdir(parents=True, exist_ok=True)
    for old in VENDOR.iterdir():
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            take(package, Path(scratch))
        build_editor(Path(scratch) / "editor")
    write_manifest()
    return 0


def differences(folder: Path) -> list[str]:
    """What is not as `manifest.json` says, one line each; empty when all is well."""
    said: Mapping[str, str] = json.loads((folder / "manifest.json").read_text())["files"]
    there = {path.name: digest(path) for path in folder.iterdir() if path.name != "manifest.json"}
    return [
        f"{name}: {'missing' if name not in there else 'not in the manifest' if name not in said else 'changed'}"
        for name in sorted(said.keys() | there.keys())
        if said.get(name) != there.get(name)
    ]


def take(package: Package, scratch: Path) -> None:
    """Download one tarball, check it, and copy out the files we use."""
    run("npm", "pack", "--silent", f"{package.name}@{package.version}", "--pack-destination", str(scratch), cwd=scratch)
    tarball = scratch / f"{package.name.lstrip('@').replace('/', '-')}-{package.version}.tgz"
    if (found := digest(tarball)) != package.sha256:
        raise SystemExit(f"{package.name}@{package.version}: sha256 is {found}, expected {package.sha256}")
    with tarfile.open(tarball) as archive:
        for inside, ours in package.files.items():
            (VENDOR / ours).write_bytes(member(archive, inside))
        if package.name == "lucide-static":
            (VENDOR / "icons.svg").write_text(sprite({n: member(archive, f"icons/{n}.svg").decode() for n in ICONS}))


def sprite(icons: Mapping[str, str]) -> str:
    """One SVG of symbols, used as `<use href="icons.svg#name">`: one request, and no inline markup to copy."""
    looks = 'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
    symbols = []
    for name, text in icons.items():
        inner = re.sub(r"\s+", " ", text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")])
        symbols.append(f'<symbol id="{name}" {looks}>{inner.strip()}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def build_editor(scratch: Path) -> None:
    """CodeMirror 6 as one module; npm checks every package against the committed lock."""
    shutil.copytree(EDITOR, scratch)
    run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=scratch)
    bundle = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=none"]
    out = VENDOR / "codemirror.js"
    run("node_modules/.bin/esbuild", "editor.js", *bundle, "--log-level=warning", f"--outfile={out}", cwd=scratch)
    modules = sorted(p.parent for p in (scratch / "node_modules").glob("**/package.json") if "esbuild" not in str(p))
    licences = [
        f"{m.relative_to(scratch / 'node_modules')}\n\n{(m / 'LICENSE').read_text()}"
        for m in modules
        if (m / "LICENSE").is_file()
    ]
    (VENDOR / "LICENSE.codemirror.txt").write_text("\n".join(licences))


def write_manifest() -> None:
    lock = json.loads((EDITOR / "package.json").read_text())["dependencies"]
    manifest = {
        "packages": {p.name: p.version for p in PACKAGES} | lock,
        "files": {path.name: digest(path) for path in sorted(VENDOR.iterdir()) if path.name != "manifest.json"},
    }
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def member(archive: tarfile.TarFile, path: str) -> bytes:
    found = archive.extractfile(f"package/{path}")
    if found is None:
        raise SystemExit(f"{path} is not a file of the package")
    return found.read()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*argv: str, cwd: Path) -> None:
    subprocess.run(argv, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
