"""A guest book on one page, over Redis. The standard library alone."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Mapping
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

PORT = 8000
SHOWN = 50
LONGEST = {"name": 40, "words": 280}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Page(BaseHTTPRequestHandler):
    """The page, and the form on it."""

    def do_GET(self) -> None:
        try:
            if self.path == "/healthz":
                redis("PING")
                self._answer(200, "ok\n")
            elif self.path == "/":
                visits = redis("INCR", "visits")
                entries = [json.loads(entry) for entry in redis("LRANGE", "entries", "0", str(SHOWN - 1))]
                self._answer(200, page(os.environ, int(visits), entries), "text/html; charset=utf-8")
            else:
                self._answer(404, "There is one page here: /\n")
        except OSError as error:
            self._answer(503, f"The store does not answer: {error}\n")

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if self.path != "/sign" or not size.isdecimal() or int(size) > 8192:
            self._answer(400, "That is not the form of this page.\n")
            return
        form = parse_qs(self.rfile.read(int(size)).decode("utf-8", "replace"))
        said = {field: form.get(field, [""])[0].strip()[:longest] for field, longest in LONGEST.items()}
        try:
            if said["words"]:
                redis("LPUSH", "entries", json.dumps(said | {"at": int(time.time())}))
                redis("LTRIM", "entries", "0", "999")
            self._answer(303, "", headers={"Location": "/"})
        except OSError as error:
            self._answer(503, f"The store does not answer: {error}\n")

    def _answer(self, status: int, text: str, kind: str = "text/plain", headers: Mapping[str, str] = {}) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**HEADERS, **headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        if self.path != "/healthz":
            sys.stdout.write(f"{self.address_string()} {form % values}\n")


def redis(*command: str) -> str | list[str]:
    """One command on a connection of its own: the answer's text or list of texts. In Redis's protocol, version 2."""
    host, _, port = os.environ.get("STORE", "store:6379").partition(":")
    with socket.create_connection((host, int(port)), timeout=3) as connection, connection.makefile("rwb") as wire:
        wire.write(f"*{len(command)}\r\n".encode())
        for word in command:
            wire.write(f"${len(word.encode())}\r\n{word}\r\n".encode())
        wire.flush()
        return _reply(wire)


def _reply(wire) -> str | list[str]:
    kind, rest = (line := wire.readline().decode().rstrip("\r\n"))[:1], line[1:]
    if kind == "-":
        raise OSError(rest)
    if kind == "*":
        return [_reply(wire) for _ in range(int(rest))]
    return wire.read(int(rest) + 2)[:-2].decode() if kind == "$" else rest


def page(environment: Mapping[str, str], visits: int, entries: list[dict]) -> str:
    """The page's HTML; every text of others is escaped."""
    colour = environment.get("COLOUR", "")
    settings = (
        ("Greeting", environment.get("GREETING", "none"), "environment.GREETING"),
        ("Colour", colour or "none", "environment.COLOUR"),
        ("Memory limit", memory_limit(), "mem_limit"),
        ("Store", environment.get("STORE", "none"), "environment.STORE"),
        ("Container", socket.gethostname(), ""),
    )
    rows = "".join(f"<tr><th>{n}<td>{escape(v)}<td><small>{o}</small>" for n, v, o in settings)
    return PAGE.format(
        colour=colour if re.fullmatch(r"[a-zA-Z]{3,30}|#[0-9a-fA-F]{3,8}", colour) else "slategray",
        greeting=escape(environment.get("GREETING", "Hello.")),
        visits=f"{visits:,} visit{'s' if visits != 1 else ''}",
        settings=rows,
        entries="".join(map(_entry, entries)) or '<li class="none">Nobody has written anything yet. Be the first.',
    )


def memory_limit() -> str:
    """What the container may use, as the kernel has it."""
    for path in LIMITS:
        text = Path(path).read_text().strip() if Path(path).exists() else "max"
        if text.isdigit() and int(text) < 1 << 60:
            return f"{int(text) >> 20} MiB"
    return "none"


def _entry(entry: dict) -> str:
    when = time.strftime("%-d %B, %H:%M", time.gmtime(entry["at"]))
    name = escape(entry["name"] or "Somebody")
    return f"<li><p>{escape(entry['words'])}</p><small><b>{name}</b> · {when} UTC</small>"


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest book</title>
<style>
:root {{ color-scheme: light dark; --accent: {colour}; --ink: #1c2430; --soft: #5d6878; --paper: #f5f6f8;
  --card: #fff; --line: #e2e6ec }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e8ecf2; --soft: #9aa6b6; --paper: #12161c; --card: #1a2028;
  --line: #2b3440 }} }}
* {{ box-sizing: border-box }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }}
header {{ color: #fff; padding: 3.5rem 1.25rem 5.5rem;
  background: linear-gradient(120deg, var(--accent), color-mix(in oklab, var(--accent), black 45%)) }}
header > div, main {{ max-width: 62rem; margin: auto }}
h1 {{ font-size: clamp(2.2rem, 6vw, 3.6rem); line-height: 1.1; margin: 0 0 .4rem; letter-spacing: -.02em }}
header p {{ margin: 0; opacity: .88 }}
main {{ display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); padding: 0 1.25rem 3rem;
  margin-top: -3rem; align-items: start }}
@media (max-width: 48rem) {{ main {{ grid-template-columns: minmax(0, 1fr) }} }}
section {{ background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.25rem;
  box-shadow: 0 8px 24px rgb(0 0 0 / .06) }}
h2 {{ font-size: 1rem; margin: 0 0 .8rem }}
form {{ display: grid; gap: .6rem; margin-bottom: 1rem }}
input, textarea {{ font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: 9px; padding: .6rem .75rem; width: 100% }}
input:focus, textarea:focus {{ outline: 2px solid var(--accent); outline-offset: 1px }}
button {{ font: inherit; font-weight: 600; justify-self: start; border: 0; border-radius: 9px; padding: .6rem 1.2rem;
  background: var(--accent); color: #fff; cursor: pointer }}
ul {{ list-style: none; margin: 0; padding: 0 }}
li {{ border-top: 1px solid var(--line); padding: .8rem 0; overflow-wrap: anywhere }}
li p {{ margin: 0 0 .15rem }}
small, .none, .hint {{ color: var(--soft) }}
table {{ border-collapse: collapse; width: 100%; font-size: .92rem }}
th {{ text-align: left; font-weight: 500; color: var(--soft) }}
th, td {{ border-top: 1px solid var(--line); padding: .45rem .4rem .45rem 0; overflow-wrap: anywhere }}
.hint {{ font-size: .88rem; margin: .9rem 0 0 }}
code {{ font-size: .86em }}
</style>
<header><div><h1>{greeting}</h1><p>You are in the guest book of this machine · {visits}</p></div></header>
<main>
<section>
<h2>Write something</h2>
<form method="post" action="/sign">
<input name="name" maxlength="40" placeholder="Your name" aria-label="Your name" autocomplete="off">
<textarea name="words" maxlength="280" rows="3" placeholder="Your words" aria-label="Your words" required></textarea>
<button>Sign</button>
</form>
<ul>{entries}</ul>
</section>
<section>
<h2>What this page was told</h2>
<table>{settings}</table>
<p class="hint">The right column is the option. Who says its value now, and what that hides, tells
<code>moorage app explain guestbook --service web</code>. To change the greeting or the colour, push
<code>guestbook-web.yml</code> to the configuration repository and look again.</p>
</section>
</main>
"""

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the first process of a container has no answer of its own
    ThreadingHTTPServer(("", PORT), Page).serve_forever()
