"""Why a connection failed, in words that help a person: what is wrong, and what to do about it.

A failure comes as an exception of the socket or of TLS, or as a reason code of the broker; each becomes one
``Ended``. Whatever the other side says of itself is made legible first.
"""

from __future__ import annotations

import errno
import socket
import ssl
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge.errors import EdgeError
from edge.transmit.legible import legible
from edge.transmit.notices import Ended, Refusal, Trouble

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

_UNSPECIFIED = 0x80
"""The reason code that says nothing."""

_VERSION_CODES = {0x81, 0x82, 0x84}
"""Malformed packet, protocol error, unsupported version: answers to a version that is not spoken."""

_NEED_A_PERSON = {
    0x85: "give this device an mqtt.client_id that the broker takes",
    0x86: "are mqtt.username and the password those that the broker knows?",
    0x87: "are mqtt.username and the password those that the broker knows, and may this user connect?",
    0x8A: "the broker's administrator has shut this client out",
    0x8C: "edge logs in with user name and password; the broker wants another method",
    0x90: "let the broker's ACL and limits take topics below mqtt.base",
    0x9A: "edge needs a broker that retains messages",
    0x9B: "edge needs a broker that takes QoS 1",
    0x9C: "set mqtt.host to the broker that is meant",
    0x9D: "set mqtt.host to the broker that is meant",
}
"""Reason codes of CONNACK (MQTT 5, section 3.2.2.2) that trying again does not change, and what would."""

_AFTER_DISMISSAL = {
    0x87: "the broker's ACL must let this user write what edge writes, docs/security.md has an example; "
    "where there is no Home Assistant: home_assistant.enabled: false",
    0x8E: "another client uses the same id: give each device a name of its own, or an mqtt.client_id",
    0x95: "set mqtt.max_payload to what the broker takes",
}
"""What to do about reason codes of DISCONNECT (MQTT 5, section 3.14.2.1)."""

_TOO_LARGE = "let the broker refuse such messages (mosquitto: message_size_limit), or raise mqtt.max_payload"

_EXPIRED, _NOT_YET_VALID = 10, 9
_NOT_ITS_NAME = {62, 64}
_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21, 24}
"""Results of OpenSSL's verification (``X509_V_ERR_…`` in x509_vfy.h)."""

_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
_OLD_TLS = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"}
_DEMANDS = {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
_DISLIKES = {
    "TLSV1_ALERT_UNKNOWN_CA": "the broker does not trust who signed it",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the broker finds it bad",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the broker does not take its kind",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it has been revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the broker does not accept it",
    "TLSV1_ALERT_DECRYPT_ERROR": "its key does not fit",
    "TLSV1_ALERT_ACCESS_DENIED": "the broker denies it access",
}
"""``SSLError.reason``: what is no TLS, what is too old, the alerts (RFC 8446, 6.2) about our certificate."""


def of_code(refusal: Refusal, settings: MqttSettings) -> Ended:
    """The broker answered to CONNECT with a reason code of MQTT 5; those of 3.1.1 are translated to them."""
    code, reason = refusal.code, f"the broker refuses: {refusal.text}"
    if code in _VERSION_CODES:
        return Ended(Trouble.VERSION, reason, "does it speak MQTT 5 or 3.1.1?")
    if code in (0x86, 0x87) and settings.username is None:
        return Ended(Trouble.LOGIN, reason, "it may want a login: set mqtt.username and a password")
    if code in _NEED_A_PERSON:
        return Ended(Trouble.LOGIN, reason, _NEED_A_PERSON[code])
    return Ended(Trouble.UNREACHABLE, reason, "it may take this device later; it is asked again")


def of_dismissal(refusal: Refusal) -> Ended:
    """The broker ended an established connection with DISCONNECT."""
    why = "" if refusal.code == _UNSPECIFIED else f": {refusal.text}"
    return Ended(Trouble.LOST, f"the broker hung up{why}", _AFTER_DISMISSAL.get(refusal.code, ""))


def of_end(failure: Exception | None, sounds: str, settings: MqttSettings, *, accepted: bool) -> Ended:
    """The connection ended without a word. ``failure``: what the socket raised; ``sounds``: what the other
    side speaks, ``mqtt``, ``tls``, ``other``, or nothing."""
    if failure:
        return of_error(failure, settings, accepted=accepted)
    if accepted:
        return Ended(Trouble.LOST, "the connection was cut")
    if sounds == "tls":
        return Ended(Trouble.TLS, "this port speaks TLS only", "set mqtt.host to mqtts://…, or another port")
    if sounds == "other":
        what = "something that is no broker answers, instead of answering in MQTT"
        return Ended(Trouble.VERSION, what, "is mqtt.port right?")
    return _hung_up(settings)


def of_error(error: Exception, settings: MqttSettings, *, accepted: bool) -> Ended:
    """An exception of ours, of TLS or of the socket. The order matters, since these families overlap."""
    if isinstance(error, EdgeError):
        return Ended(Trouble.SETUP, error.message, error.hint)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, settings)
    if isinstance(error, ssl.SSLError):
        return _of_tls(error, settings)
    if isinstance(error, OSError) and error.errno == errno.EMSGSIZE:
        return Ended(Trouble.LOST, f"the broker sent {error.strerror}", _TOO_LARGE)
    if isinstance(error, OSError) and accepted:
        return Ended(Trouble.LOST, f"the connection is lost: {error.strerror or legible(str(error))}")
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return _hung_up_in_tls() if settings.encrypted else _hung_up(settings)
    if isinstance(error, OSError):
        return _of_socket(error)
    return Ended(Trouble.SETUP, f"a fault of ours: {legible(repr(error), 200)}")


def _of_certificate(error: ssl.SSLCertVerificationError, settings: MqttSettings) -> Ended:
    code, host = error.verify_code, settings.address[0]
    if code in (_EXPIRED, _NOT_YET_VALID):
        today = datetime.now(timezone.utc).date()
        what = "has expired" if code == _EXPIRED else "is not valid yet"
        hint = f"renew it there; or is the date of this device, {today}, wrong?"
        return Ended(Trouble.TLS, f"TLS failed: the broker's certificate {what}", hint)
    if code in _NOT_ITS_NAME:
        return Ended(
            Trouble.TLS,
            f"TLS failed: the broker's certificate is not for the host {host}",
            "set mqtt.host to a name that stands in it, or have this one added (subjectAltName)",
        )
    if code in _UNKNOWN_AUTHORITY:
        trusted = settings.tls.ca or "the system's"
        return Ended(
            Trouble.TLS,
            "TLS failed: the broker's certificate is signed by an authority that is not trusted",
            f"set mqtt.tls.ca to the PEM file of that authority; trusted now: {trusted}",
        )
    words = legible(error.verify_message or "not valid")
    return Ended(
        Trouble.TLS, f"TLS failed: the broker's certificate: {words}", "have it renewed at the broker"
    )


def _of_tls(error: ssl.SSLError, settings: MqttSettings) -> Ended:
    reason = error.reason or ""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return _hung_up_in_tls()
    if reason in _NO_TLS:
        return Ended(
            Trouble.TLS,
            "TLS failed: this port does not speak TLS",
            "is mqtt.port right? With TLS it is mostly 8883",
        )
    if reason in _OLD_TLS:
        return Ended(
            Trouble.TLS,
            "TLS failed: the broker speaks no TLS 1.2 or newer",
            "have it updated; older is not safe",
        )
    if reason in _DEMANDS and settings.tls.certificate is None:
        return Ended(
            Trouble.TLS,
            "TLS failed: the broker demands a certificate of this device",
            "set mqtt.tls.certificate and mqtt.tls.key",
        )
    if reason in _DISLIKES or reason in _DEMANDS:
        why = _DISLIKES.get(reason, "the broker refuses the handshake")
        return Ended(
            Trouble.TLS,
            f"TLS failed: this device's certificate is not accepted: {why}",
            f"have one made that the broker trusts, for mqtt.tls.certificate ({settings.tls.certificate})",
        )
    return Ended(
        Trouble.TLS,
        f"TLS failed: {legible(reason or str(error))}",
        "do the broker's TLS settings fit those of mqtt.tls?",
    )


def _hung_up(settings: MqttSettings) -> Ended:
    hint = "is it an MQTT broker, and not busy or shutting down?"
    if not settings.encrypted:
        hint = "is it a broker, and does this port speak without TLS? With TLS: mqtts:// in mqtt.host"
    return Ended(Trouble.VERSION, "the broker closed the connection instead of answering", hint)


def _hung_up_in_tls() -> Ended:
    return Ended(
        Trouble.TLS,
        "TLS failed: the broker hung up during the handshake",
        "does this port speak TLS? Mostly 8883 does, 1883 does not",
    )


def _of_socket(error: OSError) -> Ended:
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return Ended(
                Trouble.UNREACHABLE,
                "its name cannot be resolved now",
                "is the network up, and does the name server answer?",
            )
        return Ended(
            Trouble.UNREACHABLE, "its name cannot be resolved", "is mqtt.host right? An address works too"
        )
    if isinstance(error, ConnectionRefusedError):
        return Ended(
            Trouble.UNREACHABLE, "nothing listens there", "does the broker run, and is mqtt.port right?"
        )
    if isinstance(error, TimeoutError):
        return Ended(
            Trouble.UNREACHABLE,
            "no answer from that address",
            "is the broker's computer on, or a firewall between?",
        )
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL):
        return Ended(Trouble.UNREACHABLE, "no way to that address", "is the network up, and mqtt.host right?")
    return Ended(Trouble.UNREACHABLE, legible(error.strerror or str(error)), "is the network up?")
