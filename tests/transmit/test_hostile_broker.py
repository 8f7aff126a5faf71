"""A broker that means harm: whatever it sends costs a connection at most."""

from __future__ import annotations

import logging
import random
import resource
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from mosquitto import Mosquitto
from parts import event, mqtt, pretender, running, wait_for

SEED = 20261121
ROUNDS = 12
WELCOME = {5: b"\x20\x03\x00\x00\x00", "3.1.1": b"\x20\x02\x00\x00"}


def length(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value % 128 | 128])
        value //= 128
    return found + bytes([value])


def packet(dice: random.Random) -> bytes:
    """Any kind, any flags, a body that is random or nearly right, a length that is mostly true."""
    kind = dice.choice(
        (0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0, 0xE0, 0xF0, dice.randrange(256))
    )
    body = dice.randbytes(dice.choice((0, 1, 2, 3, 5, 20, 300)))
    if dice.random() < 0.5:
        topic = dice.choice((b"edge/kitchen/cmd/detect", b"\xff\xfe", b"", b"a\x00b", b"x" * 2000))
        properties = dice.choice((b"", b"\x26\x00\x00\x00\x00" * dice.randrange(2000), dice.randbytes(40)))
        body = (
            len(topic).to_bytes(2, "big") + topic + b"\x00\x01" + length(len(properties)) + properties + body
        )
    announced = len(body) if dice.random() < 0.9 else dice.choice((0, 200_000_000, len(body) + 1))
    return bytes([kind]) + length(announced) + body


@pytest.mark.parametrize("protocol", [5, "3.1.1"])
def test_whatever_it_sends_costs_a_connection_at_most(
    broker: Mosquitto, tmp_path: Path, protocol: int | str, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(SEED)
    rounds: list[int] = []

    def harm(connection: socket.socket) -> None:
        connection.settimeout(2)
        with suppress(OSError):
            if len(rounds) < ROUNDS:
                rounds.append(1)
                connection.recv(1000)
                connection.sendall(dice.choice((WELCOME[protocol], b"")))
                for _ in range(dice.randrange(200)):
                    connection.sendall(packet(dice))
            else:
                forward(connection, broker.port)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pretender(harm) as port:
        settings = mqtt(port, protocol=protocol, reconnect_most=1, reconnect_first=0.1)
        with caplog.at_level(logging.INFO), running(settings, tmp_path) as sink:
            sink.put([event(number) for number in range(20)])
            assert wait_for(lambda: len(rounds) == ROUNDS, seconds=90)
            # The last connections are those of a real broker, which gets what the others never took.
            assert wait_for(lambda: sink.depth() == 0, seconds=20), sink.describe()
            assert sink.counters()["delivered"] <= 20
            assert sink.stop(5)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024, f"{grown} KiB more memory"
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) <= 40
    assert all(line.isprintable() and len(line) < 500 for line in warnings)


def forward(connection: socket.socket, port: int) -> None:
    """From here on it is an honest one."""
    with socket.create_connection(("127.0.0.1", port)) as honest:
        connection.settimeout(None)

        def pass_on(source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65_536):
                    target.sendall(data)
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)

        back = threading.Thread(target=pass_on, args=(honest, connection))
        back.start()
        pass_on(connection, honest)
        back.join(5)
