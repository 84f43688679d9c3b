"""`moorage update lint` and `build` over real files, a real registry, and a real apt with a repository of its own."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appserver.adapters.apt import AptMirror
from appserver.adapters.registry import Registries
from appserver.cli.main import main
from appserver.errors import BackendError, Invalid
from appserver.services.release_build import ReleaseBuild
from tests.lab.docker_registry import DockerRegistry, serving
from tests.lab.git import begin
from tests.lab.images import busybox
from tests.lab.releasing import MANIFEST, PLAY, give_tag, release

Run = Callable[..., tuple[int, str, str]]
OLD = f"@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an image in several versions."""
    folder = tmp_path_factory.mktemp("registry")
    with serving(folder / "store", folder) as registry:
        for tag in ("1.2.3", "1.2.10", "1.3.0-rc1", "2.0.0", "latest"):
            registry.push(busybox({}), f"team/web:{tag}")
    return folder / "store"


@pytest.fixture
def registry(store: Path, tmp_path: Path) -> Iterator[DockerRegistry]:
    with serving(store, tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> AptMirror:
    """apt over one repository of packages that are made here."""
    folder = tmp_path_factory.mktemp("apt")
    repository = folder / "repository"
    repository.mkdir()
    for name, version in (("tool", "1.0-1"), ("tool", "1.1-1"), ("lib-x", "2.0")):
        _package(folder, repository, name, version)
    index = []
    for deb in sorted(repository.glob("*.deb")):
        control = subprocess.run(("dpkg-deb", "-f", deb), capture_output=True, text=True, check=True).stdout
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        index.append(f"{control}Filename: {deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n")
    (repository / "Packages").write_text("\n".join(index))
    sources = folder / "sources.list"
    sources.write_text(f"deb [trusted=yes] file:{repository} ./\n")
    for inner in ("lists/partial", "cache/archives/partial", "parts"):
        (folder / inner).mkdir(parents=True)
    (folder / "status").touch()
    told = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::Etc::preferencesparts": folder / "parts",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    options = tuple(f"-o{name}={value}" for name, value in told.items())
    subprocess.run(("apt-get", *options, "-qq", "update"), check=True, capture_output=True)
    return AptMirror(options)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("lint", …)` of `moorage update`: exit code, standard output, standard error."""

    def called(*argv: str) -> tuple[int, str, str]:
        code = main(["update", *argv])
        told = capsys.readouterr()
        return code, told.out, told.err

    return called


def test_the_newest_of_a_real_registry_and_a_real_apt_are_pinned(
    tmp_path: Path, registry: DockerRegistry, mirror: AptMirror
) -> None:
    """The digest is that of the manifest; what is installed from elsewhere stays, and is told."""
    made = Registries([f"http://{registry.host}"])
    assert set(made.tags(f"{registry.host}/team/web")) == {"1.2.3", "1.2.10", "1.3.0-rc1", "2.0.0", "latest"}
    assert made.tags(f"{registry.host}/team/none") == ()
    digest = made.digest(f"{registry.host}/team/web:2.0.0")
    facts = made.image(f"{registry.host}/team/web:2.0.0")
    assert facts and facts.pin.endswith(digest) and digest.startswith("sha256:")
    assert made.digest(f"{registry.host}/team/web:9.9.9") == ""
    assert mirror.newest(("tool", "lib-x", "nowhere")) == {"tool": "1.1-1", "lib-x": "2.0"}
    assert mirror.newest(()) == {}
    for name in ("-o=x", "a b", ""):
        with pytest.raises(Invalid):
            mirror.newest((name,))
    with pytest.raises(BackendError):
        AptMirror(("--no-such-option",)).newest(("tool",))


def test_build_shows_the_difference_and_writes_it_when_told_to(
    tmp_path: Path, registry: DockerRegistry, mirror: AptMirror, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit status 3 while it is not written; written, nothing is newer, and lint finds nothing wrong."""
    _asks(monkeypatch, mirror)
    copy = begin(tmp_path / "copy")
    manifest = f"""\
# what the boot servers run
images:
  web: {registry.host}/team/web:1.2.3{OLD}  # the shop
debs: {{tool: 1.0-1, nowhere: "3.0"}}
{MANIFEST}"""
    release(copy, "test-2026.11.22-7", files={"release.yml": manifest, "play.yml": PLAY})
    ignored = 'images: {web: ["1.3.*"]}\n'
    (copy.path / "release-ignore.yml").write_text(ignored)
    words = ("build", str(copy.path), "--release", "--registry", f"http://{registry.host}")
    code, out, err = run(*words)
    assert code == 3 and (copy.path / "release.yml").read_text() == manifest
    assert f"+  web: {registry.host}/team/web:1.2.10@sha256:" in out and "# the shop" in out
    assert '+debs: {tool: 1.1-1, nowhere: "3.0"}' in out
    assert "debs/nowhere: no source of apt has it; it stays at 3.0" in err
    code, out, err = run(*words, "--write")
    assert code == 0 and "give it the tag test-" in err
    written = (copy.path / "release.yml").read_text()
    version = next(line for line in written.splitlines() if line.startswith("version: "))
    assert version.endswith("-8") and run("lint", str(copy.path))[0] == 0
    code, out, _ = run(*words)
    assert code == 0 and "nothing is newer" in out
    code, out, _ = run("--json", *words, "--id", "20")
    assert code == 3 and json.loads(out)["version"].endswith("-20")
    assert run(*words, "--id", "2")[0] == 2


def test_lint_reads_a_working_tree_or_a_tag_and_tells_all_faults(tmp_path: Path, run: Run) -> None:
    """Offline, as a push would: file, place and reason; exit status 2."""
    copy = begin(tmp_path / "copy")
    release(copy, "test-2026.11.22-1")
    code, out, _ = run("lint", str(copy.path), "--tag", "test-2026.11.22-1")
    assert (code, "release 2026.11.22-1, 0 images, 0 packages, 1 step; nothing wrong" in out) == (0, True)
    (copy.path / "release.yml").write_text("images: {web: latest}\nsteps: [{name: a, playbook: ../play.yml}]\n")
    code, _, err = run("lint", str(copy.path))
    assert code == 2
    assert "release.yml: images/web: is no image with tag and digest" in err
    assert "release.yml: steps/0/playbook: '../play.yml' is no playbook of this repository" in err
    code, out, _ = run("--json", "lint", str(copy.path))
    assert code == 2 and {item["where"] for item in json.loads(out)["items"]} >= {"release.yml: images/web"}
    (copy.path / "link").symlink_to("/etc/passwd")
    assert "link: is a symbolic link" in run("lint", str(copy.path))[2]
    give_tag(copy, "prod-2026.11.22-2")
    copy.git("update-ref", "refs/tags/test-2026.11.22-3", "HEAD:release.yml", check=False)
    for tag in ("v1", "test-2026.11.22-9", "--help", "../x"):
        code, _, err = run("lint", str(copy.path), f"--tag={tag}")
        assert code == 2 and "Traceback" not in err
    for folder in (tmp_path / "none", tmp_path):
        assert run("lint", str(folder))[0] == 2
    assert run("build", str(tmp_path))[0] == 2


def _asks(monkeypatch: pytest.MonkeyPatch, mirror: AptMirror) -> None:
    """Have the command ask this apt: the host's own knows other packages."""

    def made(registries: tuple[str, ...]) -> ReleaseBuild:
        return ReleaseBuild(mirror=mirror, registries=Registries(registries))

    monkeypatch.setattr("appserver.wiring.release_build.release_build", made)


def _package(folder: Path, repository: Path, name: str, version: str) -> None:
    root = folder / f"{name}-{version}" / "DEBIAN"
    root.mkdir(parents=True)
    root.parent.chmod(0o755)
    fields = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "lab", "Description": "lab"}
    (root / "control").write_text("".join(f"{field}: {value}\n" for field, value in fields.items()))
    subprocess.run(("dpkg-deb", "-Znone", "--build", root.parent, repository), check=True, capture_output=True)
