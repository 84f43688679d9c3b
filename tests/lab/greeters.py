"""A web server that says its greeting at `/`, slowly at `/cgi-bin/slow`: what is updated while people look at it."""

from __future__ import annotations

from typing import Any

from tests.lab.images import busybox

SLOW = "#!/bin/sh\nsleep 0.2\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s' \"$GREETING\"\n"
SERVES = (
    "mkdir -p /data/cgi-bin; cp /bin/slow /data/cgi-bin/; cd /data; echo $GREETING > index.html; echo $GREETING > api;"
    "exec httpd -f -p 80 -h /data"
)
ANSWERS = ("CMD", "/bin/busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/")


def greeter() -> str:
    """The image; its port is 80."""
    return busybox(command=("/bin/busybox", "sh", "-c", SERVES), files={"bin/slow": SLOW})


def greeting(text: str, interval: str = "300ms", **more: object) -> dict[str, Any]:
    """The service, which says so on its containers' label `greeting` as well."""
    return {
        "image": greeter(),
        "environment": {"GREETING": text},
        "labels": {"greeting": text},
        "healthcheck": {"test": [*ANSWERS], "interval": interval},
        "stop_grace_period": "0s",
        **more,
    }
