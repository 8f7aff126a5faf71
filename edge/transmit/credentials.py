"""What proves who we are and who the broker is: password and TLS context, read at each connection."""

from __future__ import annotations

import os
import re
import ssl
import stat
from codecs import BOM_UTF8
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ConfigError

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

CREDENTIAL = "mqtt-password"
"""The name of the systemd credential."""

MAX_BYTES = 65_535
"""Of a password in MQTT (5, section 3.1.3.6); more of the file is not read."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def password(settings: MqttSettings) -> str | None:
    """The password, from ``mqtt.password_file`` or the systemd credential. Raises ``ConfigError``."""
    if settings.password_file:
        return _secret("mqtt.password_file", Path(settings.password_file), private=True)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / CREDENTIAL).exists():
        # systemd guards this folder, with modes of its own.
        return _secret(f"the systemd credential {CREDENTIAL}", Path(folder) / CREDENTIAL, private=False)
    return None


def tls_context(mqtt: MqttSettings) -> ssl.SSLContext | None:
    """What the handshake demands and shows; None without TLS. Raises ``ConfigError``."""
    if not mqtt.encrypted:
        return None
    settings = mqtt.tls
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, settings.ca)
    if settings.certificate and settings.key:
        _guarded(Path(settings.key))
        try:
            # A password callback, or OpenSSL would ask for one on the terminal.
            context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"mqtt.tls: cannot use {settings.certificate} with {settings.key}: {_words(error)}",
                "PEM files, the key without a passphrase, both readable by the service's user",
            ) from None
    return context


def _guarded(key: Path) -> None:
    """Groups such as ssl-cert may read a key, everybody may not."""
    with suppress(OSError):  # the loading of the key tells in better words
        if (mode := key.stat().st_mode & 0o777) & 0o007:
            raise ConfigError(
                f"mqtt.tls.key: {key} has mode {mode:04o}, so everybody can use it", f"chmod 600 {key}"
            )


def _trust(context: ssl.SSLContext, ca: str | None) -> None:
    if ca is None:
        context.load_default_certs()
        return
    folder = os.path.isdir(ca)
    try:
        context.load_verify_locations(cafile=None if folder else ca, capath=ca if folder else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"mqtt.tls.ca: cannot use {ca}: {_words(error)}",
            "a PEM file of authorities, or a folder made by c_rehash",
        ) from None


def _secret(name: str, file: Path, *, private: bool) -> str:
    try:
        line, mode = _first_line(file)
        text = line.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{name}: cannot read {file}: {_words(error)}",
            "a text file of the service's user, mode 0600",
        ) from None
    if private and mode & 0o077:
        raise ConfigError(f"{name}: {file} has mode {mode:04o}, so others can use it", f"chmod 600 {file}")
    if not text or len(line) > MAX_BYTES or _CONTROL.search(text):
        raise ConfigError(
            f"{name}: the first line of {file} {_fault(line)}",
            f"the password alone, in UTF-8, 1 to {MAX_BYTES} bytes",
        )
    return text


def _first_line(file: Path) -> tuple[bytes, int]:
    """Without its end, and the file's mode; of the very file that is read, whatever its name leads to."""
    # A pipe would have us wait for somebody to write.
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "no file")
        start = stream.read(MAX_BYTES + len(BOM_UTF8) + 2).removeprefix(BOM_UTF8)
        return start.split(b"\n", 1)[0].removesuffix(b"\r"), status.st_mode & 0o777


def _fault(line: bytes) -> str:
    if not line:
        return "is empty"
    return "is longer than a password can be" if len(line) > MAX_BYTES else "has control characters"


def _words(error: Exception) -> str:
    """What went wrong; of a file's text nothing is shown."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, ssl.SSLError):
        return error.reason or "no PEM in it"
    return getattr(error, "strerror", None) or type(error).__name__
