"""Where a broker is, as a person writes it: a name, an address, or a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address

PLAIN, ENCRYPTED = 1883, 8883
"""The ports that are registered for MQTT, without and with TLS (IANA: mqtt, secure-mqtt)."""

_URL = re.compile(r"(?P<scheme>mqtts?)://(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")

_ALLOWED = "allowed: a name or address, or with a port mqtt://NAME:PORT, encrypted mqtts://NAME:PORT"


@dataclass(frozen=True, slots=True)
class Address:
    """``encrypted`` and ``port`` are None where nothing is said of them."""

    name: str
    port: int | None = None
    encrypted: bool | None = None


def parse(text: str) -> Address:
    """Reads it. Raises ``ValueError`` in words that say what is allowed."""
    if re.search(r"[\s\x00-\x1f\x7f@]", text):
        raise ValueError(f"{_ALLOWED}; no blanks, and the login stands in username and password_file")
    found = _URL.fullmatch(text)
    if found is None:
        return Address(_checked(text, bare=True))
    if found["v6"] and not _is_v6(found["v6"]):
        raise ValueError(_ALLOWED)
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 1 <= port <= 65_535:
        raise ValueError("allowed: a port of 1 to 65535")
    return Address(
        _checked(found["v6"] or found["name"], bare=bool(found["v6"])), port, found["scheme"] == "mqtts"
    )


def _checked(name: str, *, bare: bool) -> str:
    if re.search(r"[/\[\]]", name) or (":" in name and not (bare and _is_v6(name))):
        raise ValueError(_ALLOWED)
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError("allowed: a name whose parts have 1 to 63 characters") from None
    return name


def _is_v6(name: str) -> bool:
    try:
        IPv6Address(name)
    except ValueError:
        return False
    return True
