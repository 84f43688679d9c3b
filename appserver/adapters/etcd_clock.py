"""`ports.TimeSources`: what time it is for the members of etcd, by the dates of their answers over HTTP.

The same port that serves the store answers `/version` to anybody who may connect. A date has whole seconds: the other
clock is between it and one second more, somewhere within the time that the answer took.
"""

from __future__ import annotations

import http.client
import logging
import ssl
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from appserver.adapters.etcd_endpoint import TLS, Member, member_of
from appserver.core.conditions import Offset

log = logging.getLogger(__name__)

_TIMEOUT_S = 3.0


class EtcdClocks:
    """Each member is asked once a call, over a connection of its own."""

    def __init__(self, endpoints: Sequence[str], tls: TLS | None) -> None:
        self._members = [member_of(endpoint, tls) for endpoint in endpoints]
        self._tls = tls

    def ahead(self) -> tuple[Offset, ...]:
        """See `ports.TimeSources`."""
        found = (self._ask(member) for member in self._members)
        return tuple(one for one in found if one is not None)

    def _ask(self, member: Member) -> Offset | None:
        host, _, port = member.address.rpartition(":")
        try:
            connection = self._connection(member, host.strip("[]"), int(port))
            try:
                connection.connect()
                before = time.time()
                connection.request("GET", "/version")
                answer = connection.getresponse()
                date = answer.getheader("Date")
                after = time.time()
            finally:
                connection.close()
            told = parsedate_to_datetime(date or "").timestamp()
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.info("event=clock_not_asked member=%s reason=%s", member.address, error)
            return None
        return Offset(member.address, before - (told + 1), after - told)

    def _connection(self, member: Member, host: str, port: int) -> http.client.HTTPConnection:
        if not member.secure:
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        context = ssl.create_default_context(cafile=str(self._tls.ca) if self._tls else None)
        if self._tls and self._tls.cert and self._tls.key:
            context.load_cert_chain(self._tls.cert, self._tls.key)
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)
