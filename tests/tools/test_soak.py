"""The soak in its short form, through the same code; and that its trials can fail."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tools.soak import audit, cuts
from tools.soak.__main__ import SOAKS, main
from tools.soak.medium import Medium
from tools.soak.mosquitto import HOST, Mosquitto
from tools.soak.proxy import Proxy
from tools.soak.subscriber import Arrival, Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

SHORT = Scale(factor=0.02, slack=3.0)
"""The least of everything; bounds of time are for a machine that runs other tests too."""

BROKER = {trial.name: trial for trial in SOAKS["broker"]}


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", BROKER)
def test_a_short_form_of_the_trial_passes(name: str, tmp_path: Path) -> None:
    report = BROKER[name](SHORT, tmp_path)
    assert report.passed, json.dumps(report.record(), indent=1)


def judged(*numbers: int, events: int = 3, most: int = 10) -> dict[str, bool]:
    """What the trial ``cuts`` claims about arrivals with these numbers."""
    report, subscriber = Report("", ""), Subscriber(0)
    subscriber.arrivals += [Arrival(0.0, "t", f"id-{number}", number) for number in numbers]
    cuts.judge(report, subscriber, events, most)
    return {claim.what: claim.held for claim in report.claims}


def test_a_missing_event_a_wrong_order_and_too_many_duplicates_are_told() -> None:
    assert all(judged(0, 1, 2).values())
    assert all(judged(0, 1, 0, 1, 2).values())
    assert not judged(0, 2)["0 ids missing at a persistent subscriber"]
    assert not judged(1, 0, 2)["first arrivals in order"]
    assert not judged(0, 1, 2, 2, 2, most=1)["duplicates <= in flight x cuts"]


def test_a_trial_that_breaks_or_claims_nothing_has_not_passed(tmp_path: Path) -> None:
    def broken(_report: Report, _scale: Scale, _folder: Path) -> None:
        raise RuntimeError("no broker")

    report = Trial("broken", "", broken)(SHORT, tmp_path)
    assert not report.passed
    assert "no broker" in report.claims[0].seen
    assert not Report("empty", "").passed


def test_sizes_follow_the_minutes_and_never_fall_below_the_least() -> None:
    assert (Scale(1.0).count(100, 5), Scale(2.0).count(100, 5), Scale(0.01).count(100, 5)) == (100, 200, 5)
    assert (Scale(1.0).seconds(60, 6), Scale(2.0).seconds(60, 6), Scale(0.01).seconds(60, 6)) == (60, 60, 6)


def test_the_minutes_of_an_outbox_hold_every_id_that_was_ever_there(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    audit.prepare(path)
    with closing(sqlite3.connect(path)) as file:
        for number in range(3):
            values = (f"id-{number}", "t", b"{}", "b", 0, 0, 0)
            file.execute("INSERT INTO events (id, topic, payload, boot, monotonic_ns, wall_ms, synced) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?)", values)  # fmt: skip
        file.execute("DELETE FROM events WHERE id != 'id-1'")
        file.commit()
        assert audit.read(path, tmp_path / "copy") == ({"id-0", "id-1", "id-2"}, {"id-1"}, "ok")


def test_the_proxy_passes_cuts_stalls_and_truncates() -> None:
    with socket.create_server((HOST, 0)) as server, Proxy(server.getsockname()[1], seed=1) as proxy:
        near = socket.create_connection((HOST, proxy.port))
        far, _ = server.accept()
        near.settimeout(5)
        far.settimeout(5)
        near.sendall(b"one")
        assert far.recv(9) == b"one"
        proxy.stall()
        near.sendall(b"two")
        far.settimeout(0.2)
        with pytest.raises(TimeoutError):
            far.recv(9)
        far.settimeout(5)
        proxy.flow()
        assert far.recv(9) == b"two"
        proxy.truncate()
        near.sendall(b"x" * 1000)
        got = b""
        with suppress(ConnectionResetError):
            while chunk := far.recv(4096):
                got += chunk
        assert len(got) < 1000
        assert proxy.done == {"stalled": 1, "truncated": 1, "cut": 1}
        assert eventually(lambda: proxy.connections == 0, 5)
        near.close()
        far.close()


def test_a_mosquitto_that_is_killed_comes_back_with_its_sessions(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, Subscriber(broker.port) as subscriber:
        broker.save()
        broker.freeze()
        broker.kill()
        broker.start()
        publish = ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "edge/x/digits/event"]
        subprocess.run([*publish, "-m", '{"id": "a", "track": 1}'], check=True)
        assert eventually(lambda: subscriber.ids() == ["a"], 5)


def test_a_medium_is_full_until_it_is_emptied(tmp_path: Path) -> None:
    write = "import sys; open(sys.argv[1], 'ab').write(b'x' * 20000)"
    with Medium(tmp_path / "medium") as medium:
        child = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.stdin.readline(); {write}", str(medium.folder / "file")],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        medium.fill(child.pid)
        _, errors = child.communicate(b"\n", timeout=20)
        assert child.returncode == 1, errors
        assert b"No space left" in errors or b"too large" in errors
        medium.empty(child.pid) if medium.root else None
        subprocess.run([sys.executable, "-c", write, str(medium.folder / "file")], check=True)


@pytest.mark.parametrize(
    "words", [["broker", "--minutes", "0"], ["broker", "--trial", "none"], ["pigeons"], []]
)
def test_wrong_usage_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "allowed" in capsys.readouterr().err or words in (["pigeons"], [])


def test_results_of_another_run_are_not_mixed_in(tmp_path: Path) -> None:
    (tmp_path / "left").touch()
    with pytest.raises(SystemExit):
        main(["broker", "--out", str(tmp_path), "--trial", "tls"])


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_trial_as_json_and_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["broker", "--trial", "tls", "--minutes", "0.1", "--json", "--out", str(tmp_path / "out")]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is True
    assert [trial["trial"] for trial in found["trials"]] == ["tls"]
    assert found["trials"][0]["measured"]["expired"]
