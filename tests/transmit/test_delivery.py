"""From the commit to the subscriber, with a real broker that comes, goes, dies and refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mosquitto import Mosquitto
from parts import CLOCK, Listener, event, mqtt, row, running, state, wait_for

from edge.records import Event
from edge.transmit.delivery import MqttSink
from edge.transmit.journal import Row

MINUTE = 60_000_000_000


def test_events_and_states_reach_a_subscriber(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    with Listener(settings, "edge/#") as listener:
        with running(settings, tmp_path) as sink:
            sink.put([event(1), event(2)])
            sink.post([state("digits/state")])
            assert wait_for(lambda: listener.tracks() == [1, 2])
            assert wait_for(lambda: listener.payloads("digits/state"))
            assert wait_for(lambda: sink.depth() == 0)
            assert sink.connected
            assert CLOCK.monotonic_ns() - sink.progress() < 1e9
            counts = sink.counters()
        assert (counts["committed"], counts["delivered"], counts["connects"]) == (2, 2, 1)
        assert listener.payloads("availability") == [b"online", b"offline"]
        names = {name for name, _, _ in listener.messages}
        assert names == {f"edge/kitchen/{name}" for name in ("availability", "digits/event", "digits/state")}


def test_states_are_retained_and_events_are_not(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    with running(settings, tmp_path) as sink:
        sink.put([event(1)])
        sink.post([state("digits/state"), state("camera/status"), state("stats")])
        assert wait_for(lambda: sink.depth() == 0 and sink.counters()["states_sent"] == 3)
    with Listener(settings, "edge/#") as listener:
        assert wait_for(lambda: len(listener.messages) == 4)
        assert all(retained for _, _, retained in listener.messages)
        assert not listener.tracks()
        assert listener.payloads("availability") == [b"offline"]


def test_a_broker_that_comes_later_gets_everything_in_order(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    broker.stop()
    with running(settings, tmp_path) as sink:
        sink.put([event(number) for number in range(50)])
        sink.post([state("camera/status")])
        assert not sink.connected
        assert wait_for(lambda: "nothing listens there" in sink.describe())
        assert CLOCK.monotonic_ns() - sink.progress() < 1e9, "the thread turns while there is no broker"
        listener = Listener(settings, "edge/#")
        broker.start()
        with listener:
            sink.put([event(number) for number in range(50, 60)])
            assert wait_for(lambda: sink.depth() == 0)
            assert wait_for(lambda: listener.payloads("camera/status"))
            # What was delivered before the listener came is not told again.
            assert listener.tracks() == sorted(listener.tracks())
    assert sink.counters()["delivered"] == 60


def test_an_end_without_a_broker_is_quick_and_the_next_start_delivers(
    broker: Mosquitto, tmp_path: Path
) -> None:
    settings = mqtt(broker.port)
    broker.stop()
    sink = MqttSink(settings, "kitchen", tmp_path, CLOCK)
    sink.start()
    sink.put([event(number) for number in range(5)])
    begun = time.monotonic()
    assert not sink.stop(5.0), "something is left"
    assert time.monotonic() - begun < 1
    broker.start()
    with Listener(settings, "edge/#") as listener, running(settings, tmp_path):
        assert wait_for(lambda: listener.tracks() == [0, 1, 2, 3, 4])


def test_a_short_run_says_everything_before_it_ends(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    with Listener(settings, "edge/#") as listener:
        sink = MqttSink(settings, "kitchen", tmp_path, CLOCK)
        sink.start()
        sink.put([event(1)])
        sink.post([state("digits/state", digits=[])])
        sink.post([state("stats", frames=1)])
        sink.post([state("stats", frames=2)])
        assert sink.stop(4.0)
        assert wait_for(lambda: listener.payloads("availability") == [b"online", b"offline"])
        assert listener.tracks() == [1]
        assert len(listener.payloads("digits/state")) == 1
        assert json.loads(listener.payloads("stats")[-1])["frames"] == 2


def test_a_frozen_broker_does_not_hold_up_the_end_or_the_loop(broker: Mosquitto, tmp_path: Path) -> None:
    with running(mqtt(broker.port), tmp_path) as sink:
        assert wait_for(lambda: sink.connected)
        broker.freeze()
        begun = time.monotonic()
        for number in range(100):
            sink.put([event(number)])
        assert time.monotonic() - begun < 1
        assert sink.depth() == 100
        begun = time.monotonic()
        assert not sink.stop(2.0)
        assert time.monotonic() - begun < 3


def test_states_come_again_on_each_connection(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    with running(settings, tmp_path) as sink:
        sink.post([state("camera/status")])
        assert wait_for(lambda: sink.counters()["states_sent"] == 1)
        broker.kill()
        (tmp_path / "mosquitto" / "mosquitto.db").unlink(missing_ok=True)
        broker.start()
        with Listener(settings, "edge/#") as listener:
            assert wait_for(lambda: listener.payloads("camera/status"))
            assert wait_for(lambda: listener.payloads("availability")[-1:] == [b"online"])


ONE_DEVICE = """
import sys, time
from pathlib import Path
from parts import CLOCK, event, mqtt
from edge.transmit.delivery import MqttSink
sink = MqttSink(mqtt(int(sys.argv[1])), "kitchen", Path(sys.argv[2]), CLOCK)
sink.start()
sink.put([event(1)])
print("runs", flush=True)
time.sleep(60)
"""


def test_a_killed_process_is_offline_by_its_will(broker: Mosquitto, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    with Listener(mqtt(broker.port), "edge/#") as listener:
        process = subprocess.Popen(
            [sys.executable, "-c", ONE_DEVICE, str(broker.port), str(tmp_path)], env=environment
        )
        try:
            assert wait_for(lambda: listener.tracks() == [1], seconds=10)
            assert listener.payloads("availability") == [b"online"]
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert wait_for(lambda: listener.payloads("availability") == [b"online", b"offline"])


@pytest.mark.parametrize("age_ns", [0, MINUTE])
def test_only_events_of_long_ago_say_that_they_are_late(
    broker: Mosquitto, tmp_path: Path, age_ns: int
) -> None:
    settings = mqtt(broker.port)
    with Listener(settings, "edge/#") as listener, running(settings, tmp_path) as sink:
        sink.put([event(1, captured=CLOCK.monotonic_ns() - age_ns)])
        assert wait_for(lambda: listener.payloads("/event"))
        payload = json.loads(listener.payloads("/event")[0])
        assert sink.counters()["sent_late"] == (1 if age_ns else 0)
    if age_ns:
        assert payload["late"] is True
        assert 60_000 <= payload["delay_ms"] < 70_000
    else:
        assert not {"late", "delay_ms"} & payload.keys()


@pytest.mark.parametrize("protocol", [5, "3.1.1"])
def test_what_is_too_large_is_parked_and_holds_up_nobody(
    broker: Mosquitto, tmp_path: Path, protocol: str
) -> None:
    settings = mqtt(broker.port, protocol=protocol, max_payload=1024)
    large = event(2)
    large = Event(
        **{name: getattr(large, name) for name in large.__slots__} | {"fields": {"text": "x" * 2000}}
    )
    with Listener(settings, "edge/#") as listener, running(settings, tmp_path) as sink:
        sink.put([event(1), large, event(3)])
        sink.post([state("digits/state", digits=["x" * 2000])])
        assert wait_for(lambda: listener.tracks() == [1, 3])
        assert wait_for(lambda: sink.counters()["states_refused"] == 1)
        assert wait_for(lambda: (sink.depth(), sink.counters()["parked"]) == (0, 1))


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto with a list of who may write what: nobody may write other/event."""
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "acl").write_text(
        "topic readwrite edge/kitchen/digits/#\ntopic read #\ntopic write +/+/availability\n"
    )
    broker = Mosquitto(folder, "allow_anonymous true", f"acl_file {folder}/acl", "max_packet_size 5000")
    broker.start()
    yield broker
    broker.close()


def test_what_the_broker_refuses_is_parked_with_its_reason(
    strict: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = mqtt(strict.port)
    denied = Event(**{name: getattr(event(2), name) for name in Event.__slots__} | {"recognizer": "other"})
    large = Event(
        **{name: getattr(event(3), name) for name in Event.__slots__} | {"fields": {"x": "x" * 6000}}
    )
    with Listener(settings, "edge/#") as listener, running(settings, tmp_path) as sink:
        sink.put([event(1), denied, large, event(4)])
        sink.post([state("camera/status")])
        assert wait_for(lambda: listener.tracks() == [1, 4])
        assert wait_for(lambda: sink.counters()["parked"] == 2)
        assert wait_for(lambda: sink.counters()["states_refused"] == 1)
        assert wait_for(lambda: sink.depth() == 0)
    assert "edge/kitchen/other/event is not delivered: refused by the broker: Not authorized" in caplog.text
    assert "more than the broker takes" in caplog.text


def test_a_row_that_cannot_be_sent_stops_no_other(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    with Listener(settings, "edge/#") as listener, running(settings, tmp_path) as sink:
        sink.put([event(1)])
        sink._outbox.put([Row("id", "no/such/topic", b"{}", row(0).happened)], 0.0)
        sink.put([event(2)])
        assert wait_for(lambda: listener.tracks() == [1, 2])
        assert wait_for(lambda: (sink.depth(), sink.counters()["parked"]) == (0, 1))
        assert [reason.partition(":")[0] for reason in sink.parked()] == ["a fault of ours"]


def test_a_fault_in_a_callback_costs_the_connection_and_nothing_else(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge.transmit.driver import Driver

    once = threading.Event()
    real: Callable[..., None] = Driver._on_publish

    def broken(self: Driver, *args: object) -> None:
        if not once.is_set():
            once.set()
            raise ZeroDivisionError("for a test")
        real(self, *args)

    monkeypatch.setattr(Driver, "_on_publish", broken)
    with Listener(mqtt(broker.port), "edge/#") as listener, running(mqtt(broker.port), tmp_path) as sink:
        sink.put([event(number) for number in range(5)])
        assert wait_for(lambda: sink.depth() == 0)
        assert sink.counters()["connects"] == 2
        assert set(listener.tracks()) == set(range(5))


def test_a_network_thread_that_hangs_is_replaced(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from edge.transmit import link

    with running(mqtt(broker.port), tmp_path) as sink:
        assert wait_for(lambda: sink.connected)
        monkeypatch.setattr(link, "HUNG", -1.0)
        assert wait_for(lambda: sink.counters()["connection_failures"] >= 1)
        monkeypatch.undo()
        sink.put([event(1)])
        assert wait_for(lambda: sink.depth() == 0)
    assert "the network loop has not turned" in caplog.text


@pytest.mark.slow
def test_a_frozen_broker_is_noticed_and_gets_everything_when_it_thaws(
    broker: Mosquitto, tmp_path: Path
) -> None:
    settings = mqtt(broker.port, keepalive=5)
    with running(settings, tmp_path) as sink:
        assert wait_for(lambda: sink.connected)
        broker.freeze()
        sink.put([event(number) for number in range(30)])
        assert wait_for(lambda: not sink.connected, seconds=2 * settings.keepalive + 2)
        sink.put([event(number) for number in range(30, 60)])
        broker.thaw()
        assert wait_for(lambda: sink.depth() == 0, seconds=15)
        assert sink.counters()["delivered"] == 60


def test_every_thread_has_a_name_and_ends(broker: Mosquitto, tmp_path: Path) -> None:
    with running(mqtt(broker.port), tmp_path) as sink:
        assert wait_for(lambda: sink.connected)
        assert {"delivery", "network"} <= {thread.name for thread in threading.enumerate()}
    assert not {"delivery", "network"} & {thread.name for thread in threading.enumerate()}
