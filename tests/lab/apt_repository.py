"""A signed repository of Debian packages of an engine under the names that others give them, served by a lab host."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab.boot_hosts import BootHost
from tests.lab.wait import wait_until

NAMES = {
    "docker.io": "docker-ce",
    "docker-cli": "docker-ce-cli",
    "containerd": "containerd.io",
    "docker-compose": "docker-compose-plugin",
}
PORT = 8088
HOME = "/srv/packages"

_REPACK = r"""
set -eu
cd "$(mktemp -d)"
chmod 0755 .
apt-get download -q -o APT::Sandbox::User=root {debian} > /dev/null
for deb in *.deb; do
  dpkg-deb -R "$deb" tree
  sed -i -E {renames} tree/DEBIAN/control
  dpkg-deb -Znone --build tree {home} > /dev/null
  rm -rf tree
done
cd {home}
for deb in *.deb; do
  dpkg-deb -f "$deb"
  sum=$(sha256sum < "$deb" | cut -d ' ' -f 1)
  printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$sum"
done > Packages
"""
_RELEASE = """set -eu
cd {home}
printf 'Origin: lab\\nSuite: lab\\nCodename: lab\\nDate: %s\\nSHA256:\\n %s %s Packages\\n' \\
  "$(date -Ru)" "$(sha256sum < Packages | cut -d ' ' -f 1)" "$(stat -c %s Packages)"
"""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where it is, the file of its key, and its only suite, which is a path: it has no components."""

    uri: str
    key: Path
    suite: str = "./"


def serve(host: BootHost, folder: Path) -> Repository:
    """Repack what the host's own sources offer, sign it with a key that is made in `folder`, and serve it there."""
    renames = " ".join(
        f"-e '/^(Package|Depends|Breaks|Replaces):/s/\\b{old}( |,|$)/{NAMES[old]}\\1/g'" for old in NAMES
    )
    host.run("mkdir", "-p", HOME)
    host.sh(_REPACK.format(debian=" ".join(NAMES), renames=renames, home=HOME))
    key = folder / "lab.asc"
    gpg = ("gpg", "--homedir", str(folder), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
    subprocess.run((*gpg, "--quick-generate-key", "lab", "ed25519", "sign", "1d"), check=True, capture_output=True)
    key.write_bytes(subprocess.run((*gpg, "--armor", "--export"), check=True, capture_output=True).stdout)
    release = host.sh(_RELEASE.format(home=HOME)).encode()
    signed = subprocess.run((*gpg, "--clearsign"), input=release, check=True, capture_output=True).stdout
    subprocess.run(("gpgconf", "--homedir", str(folder), "--kill", "gpg-agent"), check=True, capture_output=True)
    host.run("tee", f"{HOME}/InRelease", text=signed.decode())
    host.run("systemd-run", "--quiet", "python3", "-m", "http.server", "-d", HOME, str(PORT))
    wait_until(lambda: "HTTP" in host.sh(_ASK, check=False), "the repository is served")
    return Repository(f"http://{host.address}:{PORT}", key)


_ASK = (
    f"python3 -c \"import urllib.request as u; print('HTTP', u.urlopen('http://127.0.0.1:{PORT}/InRelease').status)\""
)
