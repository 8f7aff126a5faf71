"""The soak of the daemon in its short form, through the same code; and that its trials can fail."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from edge.transmit.journal import Journal, Row
from edge.transmit.moment import Moment as Happened
from tools.soak import audit, clip, endurance, leaks, moments
from tools.soak.__main__ import SOAKS, main
from tools.soak.endurance import Sample
from tools.soak.footprint import footprint, slope
from tools.soak.listener import Listener
from tools.soak.moments import Moment
from tools.soak.mosquitto import Mosquitto
from tools.soak.sight import Sight
from tools.soak.trial import Report, Scale, Trial, eventually

SHORT = Scale(factor=0.006, slack=3.0)
"""The least of everything; bounds of time are for a machine that runs other tests too."""

DAEMON = {trial.name: trial for trial in SOAKS["daemon"]}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in DAEMON if name != "configs"])  # see test_mangled.py
def test_a_short_form_of_the_trial_passes(name: str, tmp_path: Path) -> None:
    report = DAEMON[name](SHORT, tmp_path)
    assert report.passed, json.dumps(report.record(), indent=1)


# -- judgements -------------------------------------------------------------------------------


def test_a_slope_is_not_turned_by_a_peak() -> None:
    times = [float(second) for second in range(100)]
    values = [3 * at for at in times]
    values[40] = 1e6
    assert slope(times, values) == pytest.approx(3)
    assert slope([1.0], [2.0]) == 0.0
    many = [float(second) for second in range(5000)]
    assert slope(many, [2 * at + (at % 7) for at in many]) == pytest.approx(2, rel=0.01)


def endured(
    creep: float = 0.0, rise: float = 0.0, threads: int = 0, fps: float = 10.0, work: float = 0.0
) -> dict[str, bool]:
    """What the trial ``endurance`` claims of an hour: MiB an hour, share of the p99, threads at the end,
    frames a second, share of the processor time of a frame."""
    samples = []
    for at in map(float, range(0, 3600, 10)):
        more = threads if at > 3000 else 0
        p99, processor = 20.0 * (1 + rise * at / 3600), 0.01 * fps * at * (1 + work * at / 3600)
        frames = int(fps * at)
        samples.append(Sample(at, 100 + creep * at / 3600, 10 + more, 20, fps, 10.0, p99, processor, frames))
    report = Report("", "")
    endurance.judge(report, samples, 3600, slack=1.0)
    return {claim.what.partition(" ")[0]: claim.held for claim in report.claims}


def test_memory_that_creeps_and_latency_that_rises_are_told() -> None:
    assert endured() == {"memory": True, "p99": True, "threads": True, "descriptors": True}
    assert endured(creep=0.9)["memory"]
    assert not endured(creep=1.5)["memory"]
    assert not endured(rise=2.0)["p99"]
    assert not endured(threads=1)["threads"]


def test_where_the_machine_had_no_time_the_work_for_a_frame_is_judged() -> None:
    starved = endured(rise=5.0, fps=5.0)
    assert starved == {"memory": True, "processor": True, "threads": True, "descriptors": True}
    assert not endured(fps=5.0, work=1.0)["processor"]


def test_too_few_samples_are_no_proof() -> None:
    report = Report("", "")
    endurance.judge(report, [], 3600, slack=1.0)
    leaks.judge(report, [])
    assert [claim.held for claim in report.claims] == [False, False]


def counted(**growth: float) -> dict[str, bool]:
    """What the trial ``leaks`` claims where so much more is there with each frame."""
    looks: list[dict[str, Any]] = []
    for frames in range(250, 3001, 250):
        held = {"objects": 50_000, "threads": 10, "descriptors": 20, "memory": 100.0}
        held = {name: value + growth.get(name, 0.0) * frames for name, value in held.items()}
        looks.append({"frames": frames, "types": {"dict": held["objects"]}, **held})
    report = Report("", "")
    leaks.judge(report, looks)
    return {claim.what: claim.held for claim in report.claims}


def test_what_piles_up_frame_by_frame_is_told() -> None:
    assert all(counted().values())
    assert not counted(objects=0.2)["live objects constant"]
    assert not counted(threads=0.01)["threads constant"]
    assert not counted(descriptors=0.01)["descriptors constant"]


# -- power cuts -------------------------------------------------------------------------------


def row(number: int) -> Row:
    return Row(f"id-{number}", "digits/event", b"{}" * 100, Happened("boot", number, number, synced=True))


def at(folder: Path, path: Path) -> Moment:
    """The outbox as it is now."""
    folder.mkdir()
    (folder / "state").mkdir()
    for suffix in ("", "-wal", "-shm"):
        (folder / "state" / f"{path.name}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    (folder / "state" / "starts.json").write_text('{"boot": "x", "starts": 3}')
    committed, waiting, words = audit.read(folder / "state" / path.name, folder / "audit")
    assert words == "ok"
    size = Path(f"{folder / 'state' / path.name}-wal").stat().st_size
    return Moment(folder, committed, waiting, {None}, size)


def test_a_torn_log_loses_only_what_came_after_the_copy_before(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    audit.prepare(path)
    journal = Journal(path)
    journal.open()
    for number in range(20):
        journal.write([row(number)], (), {})
    before = at(tmp_path / "before", path)
    for number in range(20, 60):
        journal.write([row(number)], (), {})
    lost = []
    for seed in range(20):
        moment = at(tmp_path / str(seed), path)
        moments.tear(before, moment, random.Random(seed))
        assert "log" in moment.torn
        assert before.committed <= moment.committed
        assert moment.lost == {f"id-{number}" for number in range(60)} - moment.committed
        again = Journal(moment.outbox)
        found, aside = again.open()
        again.close()
        assert ({each.id for each in found}, aside) == (moment.waiting, None)
        lost.append(len(moment.lost))
    journal.close()
    assert 0 < min(lost) <= max(lost) <= 40
    assert len(set(lost)) > 5


def test_a_process_stands_still_inside() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "while True: print('x', flush=True)"], stdout=subprocess.DEVNULL
    )
    try:
        with moments.standing(child.pid):
            spent = Path(f"/proc/{child.pid}/stat").read_text().split()[13:15]
            assert not eventually(
                lambda: Path(f"/proc/{child.pid}/stat").read_text().split()[13:15] != spent, 0.2
            )
        assert eventually(lambda: Path(f"/proc/{child.pid}/stat").read_text().split()[13:15] != spent, 5)
        held = footprint(child.pid)
        assert (held.threads, held.descriptors >= 3, 1 < held.memory < 100) == (1, True, True)
    finally:
        child.kill()
        child.wait(5)
    with pytest.raises(OSError, match=str(child.pid)):
        footprint(child.pid)


# -- what the trials are made of --------------------------------------------------------------


def test_a_clip_has_the_frames_that_were_asked_for_and_empty_ones_between(tmp_path: Path) -> None:
    file = clip.write_clip(tmp_path / "clip.avi", 8, (160, 120), blink=2)
    capture = cv2.VideoCapture(str(file))
    noise = []
    while (read := capture.read())[0]:
        assert read[1].shape == (120, 160, 3)
        noise.append(float(read[1].std()) > 2)
    capture.release()
    assert noise == [True, True, False, False, True, True, False, False]


def test_what_the_broker_kept_of_a_life_before_is_no_news(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, keeps=False) as broker:

        def publish(state: str, *words: str) -> None:
            fields = json.dumps({"state": state, "reason": None, "size": [4, 3]})
            command = ["mosquitto_pub", "-p", str(broker.port), "-t", "edge/x/camera/status", *words]
            subprocess.run([*command, "-m", fields], check=True)

        publish("ok", "-r")
        with Listener(broker.port) as listener:
            sight = Sight(listener)
            assert eventually(lambda: bool(listener.heard), 5)
            assert (sight.states(), sight.size(), sight.at(0.0, "ok")) == ([], None, None)
            publish("lost")
            assert sight.seconds(0.0, "lost", within=5) is not None
            assert (sight.states(), sight.size()) == ([("lost", None)], [4, 3])


def test_more_hours_make_only_those_trials_larger_that_grow(tmp_path: Path) -> None:
    factors = []

    def note(report: Report, scale: Scale, _folder: Path) -> None:
        factors.append(scale.factor)
        report.claim("noted", held=True)

    for grows in (True, False):
        Trial("x", "", note, grows=grows)(Scale(24.0), tmp_path)
    assert factors == [24.0, 1.0]
    assert [name for name, trial in DAEMON.items() if trial.grows] == ["configs", "endurance"]


@pytest.mark.parametrize("words", [["daemon", "--hours", "0"], ["daemon", "--hours", "1", "--minutes", "1"],
                                   ["daemon", "--trial", "cuts"]])  # fmt: skip
def test_wrong_usage_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "allowed" in capsys.readouterr().err


def test_hours_are_a_share_of_the_full_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(report: Report, scale: Scale, _folder: Path) -> None:
        report.measured["factor"] = scale.factor
        report.claim("noted", held=True)

    monkeypatch.setitem(SOAKS, "daemon", (Trial("one", "", note), Trial("other", "", note)))
    out = ["--json", "--out", str(tmp_path / "out")]
    assert main(["daemon", "--hours", "0.5", "--trial", "other", *out]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(trial["trial"], trial["measured"]) for trial in found["trials"]] == [("other", {"factor": 0.5})]
