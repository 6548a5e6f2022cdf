"""Where the page is served, and which requests are meant for it.

A page of another site must not reach the device through the browser of someone who looks at both:
the name in ``Host`` must be ours (DNS rebinding), and ``Origin`` the page itself (cross-site).
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from edge.errors import HeartenError
from edge.web import DEFAULT, HOST, PORT

PARTS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[\w.-]*))(?::(?P<port>\d{1,5}))?")
REASONS = {
    errno.EADDRINUSE: "another program uses that port; choose another",
    errno.EADDRNOTAVAIL: "this machine has no such address; 0.0.0.0 is every address it has",
    errno.EACCES: "ports below 1024 need rights; choose a higher one",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A host (name, IPv4 or IPv6) and a port; port 0 lets the system choose."""

    host: str
    port: int

    @property
    def private(self) -> bool:
        """Whether only this machine can reach it."""
        literal = _literal(self.host)
        return literal.is_loopback if literal else self.host == "localhost"

    @property
    def url(self) -> str:
        """What to type into a browser: of "every address", the name of this machine."""
        literal = _literal(self.host)
        host = socket.gethostname() if literal and literal.is_unspecified else self.host
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    def bind(self) -> socket.socket:
        """Return a listening socket; raises HeartenError with the reason where that fails."""
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            return socket.create_server((self.host, self.port), family=family)
        except (OSError, UnicodeError) as error:
            number = error.errno if isinstance(error, OSError) else None
            reason = REASONS.get(number or 0) or getattr(error, "strerror", None) or error
            message = f"cannot serve the page at {self.host}:{self.port}: {reason}"
            raise HeartenError(f"{message} (--web HOST:PORT)") from error

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Return why a request with these headers is refused, or None where it is welcome."""
        host = headers.get("Host", "")
        if not self._ours(host):
            return f"{host[:80]!r} is no name of this device; use its address or {self.url}"
        origin = headers.get("Origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return "requests from other sites are refused"
        if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            navigates = headers.get("Sec-Fetch-Mode") == "navigate"  # a link to the page is fine
            return None if navigates else "requests from other sites are refused"
        return None

    def _ours(self, header: str) -> bool:
        """Tell whether ``Host`` names this machine; a literal address cannot be rebound."""
        parts = PARTS.fullmatch(header)
        if not parts or not (name := (parts["six"] or parts["host"]).lower().rstrip(".")):
            return False
        here = socket.gethostname().lower()
        return _literal(name) is not None or name in (
            self.host.lower(),
            "localhost",
            here,
            f"{here}.local",
        )


def parse(text: str) -> Address:
    """Return the address that ``HOST:PORT``, ``HOST`` or ``PORT`` names.

    Raises:
        HeartenError: it is none of these.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        text = f"{HOST}:{text}"
    parts = PARTS.fullmatch(text)
    host = parts and (parts["six"] or parts["host"])
    port = int(parts["port"] or PORT) if parts else -1
    if not host or not 0 <= port <= 65535:
        raise HeartenError(
            f"--web takes HOST:PORT, such as {DEFAULT} or 0.0.0.0:8600, not {text!r}"
        )
    return Address(host, port)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
