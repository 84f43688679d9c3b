"""Mirrors of repositories elsewhere: the one place that imports GitPython.

A mirror holds the newest commit of one branch, or those of tags, without their history. The host is resolved and
checked here, and git is bound to the addresses that were checked; it follows no redirect and speaks https and ssh
alone.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from git import Git, GitCommandNotFound

from appserver.adapters.git_process import HOOKS, argv, configured, confine, environment, last_words
from appserver.core.addresses import Outgoing, check_addresses, redacted
from appserver.core.git_urls import GitUrl, known_host, parse, pinned
from appserver.core.refs import BRANCHES, TAGS, check_branch
from appserver.errors import Invalid, RepoError
from appserver.ports import Remote

FETCH_S = 120.0
MAX_PACK = 64 << 20
_WORDS = (
    *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance"),
    *("--depth=1", "--force"),
)


def fetch(mirror: Path, remote: Remote, rule: Outgoing, ca_file: str = "", tags: Sequence[str] = ()) -> None:
    """Bring the branch's newest commit into an existing bare repository, or tags in its stead.

    Args:
        tags: how those begin that are wanted; what the remote no longer has of them goes here, too.
    Raises:
        Invalid: the URL may not be called, or leads where nothing may be called.
        RepoError: not reached, not allowed in, too large or too slow. Without user or credential in the text.
    """
    url = parse(remote.url, rule)
    addresses = check_addresses(url.endpoint.host, _resolved(url), "url", rule)
    refs = tuple(f"{TAGS}{one}*" for one in tags) or (BRANCHES + check_branch(remote.branch),)
    words = (*_WORDS, *(("--prune",) if tags else ()), "--", remote.url, *(f"+{ref}:{ref}" for ref in refs))
    with tempfile.TemporaryDirectory(prefix="moorage-git-") as place:
        told = {**_https(mirror, url, addresses, ca_file), **_ssh(url, addresses[0], remote, Path(place))}
        env = environment(mirror, {**_asked(remote, url), **told})
        _run(mirror, argv(mirror, *words), env, url, bool(tags))


def _run(mirror: Path, command: list[str], env: Mapping[str, str], url: GitUrl, perhaps_none: bool) -> None:
    """
    Args:
        perhaps_none: there may be nothing to fetch, which git ends with 1 for and says nothing.
    """
    # GitPython hands on all of our own environment: what is not of `env` is taken away again, by name.
    bare = ["env", *(word for name in os.environ if name not in env for word in ("-u", name))]
    try:
        started = Git(str(mirror)).execute([*bare, *command], as_process=True, env=env, start_new_session=True)
    except GitCommandNotFound as error:
        raise RepoError("git is not installed on the app server: apt-get install git") from error
    process = cast("subprocess.Popen[bytes]", started.proc)
    confine(process.pid, file_bytes=MAX_PACK)
    try:
        _, stderr = process.communicate(timeout=FETCH_S)
    except subprocess.TimeoutExpired as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started would go on without it
        process.wait()
        raise RepoError(f"{_shown(url)}: not fetched within {FETCH_S:.0f} s") from error
    nothing = perhaps_none and process.returncode == 1 and not stderr.strip()
    if process.returncode and not nothing:
        raise RepoError(f"{_shown(url)}: {redacted(_reason(stderr))}")


def _resolved(url: GitUrl) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(url.endpoint.host, url.endpoint.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise RepoError(f"{url.endpoint.host} cannot be resolved: {error.strerror}") from error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _https(mirror: Path, url: GitUrl, addresses: tuple[str, ...], ca_file: str) -> Mapping[str, str]:
    settings = {
        "safe.directory": str(mirror),
        "core.hooksPath": os.devnull,
        "core.askPass": str(HOOKS / "askpass"),
        "credential.helper": "",
        "fetch.fsckObjects": "true",
        "fetch.unpackLimit": "1",
        "gc.auto": "0",
        "http.curloptResolve": pinned(url, addresses),
        "http.followRedirects": "false",
        "http.lowSpeedLimit": "1000",
        "http.lowSpeedTime": "30",
        "http.proxy": "",
        "http.sslVerify": "true",
        "pack.threads": "1",
        "protocol.allow": "never",
        "protocol.https.allow": "always",
        "protocol.ssh.allow": "always",
        **({"http.sslCAInfo": ca_file} if ca_file else {}),
    }
    return {**configured(settings), "GIT_ALLOW_PROTOCOL": "https:ssh", "GIT_PROTOCOL_FROM_USER": "0"}


def _ssh(url: GitUrl, address: str, remote: Remote, place: Path) -> Mapping[str, str]:
    if url.endpoint.scheme != "ssh":
        return {}
    if not remote.known_hosts.strip():
        raise Invalid("known_hosts", "is needed for ssh: the lines of `ssh-keyscan` for the host, once verified")
    key, hosts = place / "key", place / "known_hosts"
    _write(key, remote.credential.rstrip("\n") + "\n")
    _write(hosts, remote.known_hosts.rstrip("\n") + "\n")
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "15",
        "GlobalKnownHostsFile": os.devnull,
        "HostKeyAlias": known_host(url),
        "HostName": address,
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PermitLocalCommand": "no",
        "ProxyCommand": "none",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(hosts),
    }
    words = ["ssh", "-F", os.devnull, "-i", str(key), *(f"-o{name}={value}" for name, value in options.items())]
    return {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}


def _asked(remote: Remote, url: GitUrl) -> Mapping[str, str]:
    """What `githooks/askpass` tells git."""
    if url.endpoint.scheme != "https" or not remote.credential:
        return {"MOORAGE_GIT_USER": "", "MOORAGE_GIT_CREDENTIAL": ""}
    return {"MOORAGE_GIT_USER": remote.username or "git", "MOORAGE_GIT_CREDENTIAL": remote.credential}


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, encoding="utf-8")


def _reason(stderr: bytes) -> str:
    """git's own reason: its `fatal:` line, else the last that says something."""
    lines = [line for line in stderr.splitlines() if line.startswith((b"fatal:", b"error:"))]
    return last_words(b"\n".join(lines) or stderr) or "git gave no reason; the repository may be over 64 MiB"


def _shown(url: GitUrl) -> str:
    return f"{url.endpoint.scheme}://{url.endpoint.host}"
