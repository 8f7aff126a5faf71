"""What the machine tells, from trees of files as boards have them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from edge.device import EVERY, Condition, CpuShare, Device


def tree(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def device(root: Path, *, synced: bool = True, vcgencmd: str | None = None) -> Device:
    return Device(root, lambda: synced, root=root, vcgencmd=vcgencmd)


PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "61348\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    "proc/meminfo": "MemTotal:        3884008 kB\nMemAvailable:    3125000 kB\n",
    "proc/self/statm": "30000 15000 3000 1 0 20000 0\n",
    "proc/uptime": "8641.27 33000.11\n",
}


def test_a_raspberry_pi(tmp_path: Path) -> None:
    pi = device(tree(tmp_path, PI))
    told = pi.condition(0)
    assert pi.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert told.temperature == pytest.approx(61.348)
    assert told.throttled == ("under-voltage", "throttled")
    assert told.throttled_before == ("under-voltage", "throttled")
    assert told.memory_available == 3_125_000 * 1024
    assert told.memory == 15000 * os.sysconf("SC_PAGE_SIZE")
    assert told.uptime == pytest.approx(8641.27)
    assert told.disk_free is not None
    assert told.clock_synced
    assert told.fields()["throttled"] == ["under-voltage", "throttled"]


@pytest.mark.parametrize(
    ("bits", "now", "before"),
    [
        ("0", (), ()),
        ("1", ("under-voltage",), ()),
        ("2", ("frequency capped",), ()),
        ("8", ("soft temperature limit",), ()),
        ("e0000", (), ("frequency capped", "throttled", "soft temperature limit")),
    ],
)
def test_the_bits_of_the_firmware(tmp_path: Path, bits: str, now: tuple[str, ...], before: object) -> None:
    path = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
    told = device(tree(tmp_path, {path: bits})).condition(0)
    assert (told.throttled, told.throttled_before) == (now, before)


def test_the_program_is_asked_where_there_is_no_driver(tmp_path: Path) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(
        f'#!/bin/sh\necho asked >> {tmp_path}/asked\n[ "$1" = get_throttled ] && echo throttled=0x20002\n'
    )
    program.chmod(0o755)
    pi = device(tmp_path, vcgencmd=str(program))
    assert pi.condition(0).throttled == ("frequency capped",)
    assert pi.condition(EVERY).throttled == ("frequency capped",)
    assert (tmp_path / "asked").read_text().count("asked") == 1
    pi.condition(60)
    assert (tmp_path / "asked").read_text().count("asked") == 2


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo 'VCHI initialization failed'; exit 255"])
def test_a_program_that_fails_is_not_asked_again(tmp_path: Path, script: str) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/asked\n{script}\n")
    program.chmod(0o755)
    pi = device(tmp_path, vcgencmd=str(program))
    for minute in range(5):
        assert pi.condition(60 * minute).throttled is None
    assert (tmp_path / "asked").read_text() == "x\n"


def test_a_jetson(tmp_path: Path) -> None:
    zones = {"CPU-therm": "48500", "GPU-therm": "-256000", "PMIC-Die": "100000", "tj-thermal": "51250"}
    files = {"proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0"}
    for number, (name, value) in enumerate(zones.items()):
        files[f"sys/class/thermal/thermal_zone{number}/type"] = name
        files[f"sys/class/thermal/thermal_zone{number}/temp"] = value
    files["sys/class/thermal/thermal_zone9/type"] = "cv0-thermal"  # without power: reading it fails
    files["sys/class/thermal/cooling_device0/type"] = "cpufreq-cpu0"
    files["sys/class/thermal/cooling_device0/cur_state"] = "3"
    told = device(tree(tmp_path, files)).condition(0)
    assert told.temperatures == {"CPU-therm": 48.5, "tj-thermal": 51.25}
    assert told.temperature == 51.25
    assert told.throttled == ("frequency capped",)
    assert told.throttled_before is None


def test_under_voltage_by_the_kernels_own_sensor(tmp_path: Path) -> None:
    files = {"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}
    assert device(tree(tmp_path, files)).condition(0).throttled == ("under-voltage",)


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    bare = Device(tmp_path / "state", _no_clock, root=tmp_path / "nothing", vcgencmd="/no/such/program")
    told = bare.condition(0)
    assert told == Condition(disk_free=told.disk_free)
    assert bare.model is None
    assert told.disk_free, "the free room is that of the folder above, until there is a state"


def _no_clock() -> bool:
    raise OSError


@pytest.mark.parametrize(
    "text", ["", "\0", "nan?", "9" * 400, "-", "1e999", "\udcff".encode("utf-8", "replace").decode()]
)
def test_files_full_of_nonsense(tmp_path: Path, text: str) -> None:
    told = device(
        tree(tmp_path, {**dict.fromkeys(PI, text), "proc/meminfo": f"MemAvailable: {text}"})
    ).condition(0)
    assert all(math.isfinite(value) for value in told.temperatures.values())
    told.fields()


def test_readings_are_kept_for_a_while(tmp_path: Path) -> None:
    pi = device(tree(tmp_path, PI))
    pi.condition(0)
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").write_text("70000")
    assert pi.condition(EVERY - 0.1).temperature == pytest.approx(61.348)
    assert pi.condition(EVERY).temperature == 70


def test_this_very_machine() -> None:
    told = Device(Path("/"), lambda: False).condition(0)
    assert told.memory
    assert told.memory_available
    assert told.uptime
    assert told.clock_synced is False


def test_the_share_of_a_processor() -> None:
    used = 0.0
    share = CpuShare(8.0, lambda: used)
    assert share.update(0) is None
    for second in range(1, 8):
        used += 0.5
        assert share.update(second) is None
    used += 0.5
    assert share.update(8) == pytest.approx(0.5)
    for second in range(9, 40):
        used += 0.25
        latest = share.update(second)
    assert latest == pytest.approx(0.25)
    share.forget()
    assert share.update(41) is None


@pytest.mark.parametrize("name", ["x" * 300, "file/below"])
def test_a_folder_that_cannot_be_leaves_its_disk_untold(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    told = Device(tmp_path / name, lambda: True, root=tmp_path, vcgencmd=None).condition(0)
    assert told.disk_free is None


def test_a_folder_that_is_not_made_yet_lies_on_the_disk_of_the_one_above(tmp_path: Path) -> None:
    told = Device(tmp_path / "state" / "edge", lambda: True, root=tmp_path, vcgencmd=None).condition(0)
    assert told.disk_free is not None
