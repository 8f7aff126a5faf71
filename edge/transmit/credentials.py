"""What proves who we are and who the broker is: password and TLS context, read at each connection."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ConfigError

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings, TlsSettings

CREDENTIAL = "mqtt-password"
"""The name of the systemd credential."""

MAX_BYTES = 65_536
"""More of the file is not read; MQTT takes no longer password."""


def password(settings: MqttSettings) -> str | None:
    """The password, from ``mqtt.password_file`` or the systemd credential. Raises ``ConfigError``."""
    if settings.password_file:
        return _first_line(Path(settings.password_file), private=True)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / CREDENTIAL).exists():
        # systemd guards this folder, with modes of its own.
        return _first_line(Path(folder) / CREDENTIAL, private=False)
    return None


def tls_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """What the handshake demands and shows; None without TLS. Raises ``ConfigError``."""
    if not settings.enabled:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, settings.ca)
    if settings.certificate:
        try:
            # A password callback, or OpenSSL would ask for one on the terminal.
            context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"mqtt.tls: cannot use {settings.certificate} with {settings.key}: {_words(error)}",
                "PEM files, the key without a passphrase, both readable by the service's user",
            ) from None
    return context


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


def _first_line(file: Path, *, private: bool) -> str:
    try:
        mode = file.stat().st_mode & 0o777
        if not file.is_file():
            raise OSError(0, "no file")
        with file.open("rb") as stream:
            text = stream.read(MAX_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"mqtt.password_file: cannot read {file}: {_words(error)}",
            "a text file of the service's user, mode 0600",
        ) from None
    if private and mode & 0o077:
        raise ConfigError(
            f"mqtt.password_file: {file} has mode {mode:04o}, so others can use it", f"chmod 600 {file}"
        )
    return text.split("\n", 1)[0].rstrip("\r")


def _words(error: Exception) -> str:
    """What went wrong; of a file's text nothing is shown."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, ssl.SSLError):
        return error.reason or "no PEM in it"
    return getattr(error, "strerror", None) or type(error).__name__
