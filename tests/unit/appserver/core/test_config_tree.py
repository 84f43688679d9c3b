from __future__ import annotations

import pytest

from appserver.core import config_tree
from appserver.core.config_tree import MAX_BLOB, MAX_FILES, TreeEntry, faults, is_config, path_refusal, shown, texts

ID = "d" * 40


def entry(path: bytes, size: int = 10, mode: str = "100644") -> TreeEntry:
    return TreeEntry(mode, ID, size, path)


def test_regular_files_of_any_kind_may_be_there_and_configuration_is_read() -> None:
    """A README lies beside the configuration and is left alone."""
    assert faults([entry(b"README.md"), entry(b"dev/web.yml"), entry("dév/wéb.yaml".encode())]) == ()
    assert [is_config(path) for path in (b"a.yml", b"a.yaml", b"a.properties", b"README.md", b"yml")] == [
        *(True, True, True),
        *(False, False),
    ]


@pytest.mark.parametrize(
    ("path", "mode", "size", "why"),
    [
        (b"link.yml", "120000", 0, "is a symbolic link; only regular files are read here"),
        (b"vendor/lib", "160000", 0, "is a submodule; only regular files are read here"),
        (b"../x.yml", "100644", 1, "its path leads out of the repository or is not plain"),
        (b"a/../../x.yml", "100644", 1, "its path leads out of the repository or is not plain"),
        (b"/etc/x.yml", "100644", 1, "its path leads out of the repository or is not plain"),
        (b"a//x.yml", "100644", 1, "its path leads out of the repository or is not plain"),
        (b"./x.yml", "100644", 1, "its path leads out of the repository or is not plain"),
        (b".GIT/config", "100644", 1, "its path holds a name that is git's own"),
        (b"a/.git./x", "100644", 1, "its path holds a name that is git's own"),
        (b"a/GIT~1/x", "100644", 1, "its path holds a name that is git's own"),
        ("a/.g\u200cit/x".encode(), "100644", 1, "its path holds a name that is git's own"),
        (b"a\nb.yml", "100644", 1, "its path holds a control character or a backslash"),
        (b"a\\b.yml", "100644", 1, "its path holds a control character or a backslash"),
        (b"\xff.yml", "100644", 1, "its name is not UTF-8"),
        (b"big.bin", "100644", 50 << 20, "is 50 MiB; files over 1 MiB are refused"),
        (b"d/" * 20 + b"x.yml", "100644", 1, "its path is over 512 bytes or 16 levels"),
    ],
)
def test_what_may_not_be_there_is_refused_with_its_path(path: bytes, mode: str, size: int, why: str) -> None:
    """Links, submodules, paths that lead out, names that another file system takes for `.git`, large files."""
    assert faults([entry(b"ok.yml"), entry(path, size, mode)]) == ((shown(path), why),)


def test_too_much_is_refused_by_the_whole() -> None:
    """Each file may be small, and the tree too large all the same."""
    many = [entry(f"{n}.md".encode()) for n in range(MAX_FILES + 1)]
    assert faults(many) == (("", f"{MAX_FILES + 1} files; a repository of configuration holds at most {MAX_FILES}"),)
    heavy = [entry(f"{n}.yml".encode(), MAX_BLOB) for n in range(65)]
    assert faults(heavy) == (("", "65 MiB of configuration; at most 64 MiB is read"),)


def test_text_that_is_not_utf8_is_refused_with_its_line() -> None:
    """The place of the first bad byte, as an editor counts."""
    found, bad = texts({"a.yml": b"x: 1\n", "b.yml": b"x: 1\ny: \xff\n"})
    assert found == {"a.yml": "x: 1\n"}
    assert bad == (("b.yml:2", "is not UTF-8"),)


def test_a_path_is_shown_without_control_characters() -> None:
    """A path may be a stranger's attempt at somebody's terminal."""
    assert shown(b"a\x1b[31mb\xff") == "a\\x1b[31mb\\xff"
    assert path_refusal(b"a\x1b[31mb.yml")


def test_sizes_are_told_in_mib() -> None:
    """50 MiB, not 52428800."""
    assert [config_tree.mib(size) for size in (1 << 20, 3 << 19, 50 << 20)] == ["1 MiB", "1.5 MiB", "50 MiB"]
