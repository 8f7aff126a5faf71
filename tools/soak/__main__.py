"""Every trial of one kind, and a table.

``python -m tools.soak broker --minutes N``: the delivery, whatever happens to broker and network.
``python -m tools.soak daemon --hours H``: the life of the service with nobody watching; the last of its
trials, ``endurance``, takes these hours, the others in full forty minutes more.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tools.soak import (
    acl,
    clocks,
    configs,
    cuts,
    disks,
    encryption,
    ends,
    endurance,
    files,
    fleet,
    freeze,
    fuzz,
    kills,
    leaks,
    life,
    losses,
    pictures,
    power,
    reloads,
)
from tools.soak.table import show
from tools.soak.trial import Report, Scale, Trial

SOAKS: dict[str, tuple[Trial, ...]] = {
    "broker": tuple(part.TRIAL for part in (cuts, freeze, kills, disks, encryption, acl, ends, fuzz, fleet)),
    "daemon": tuple(
        part.TRIAL
        for part in (losses, pictures, life, reloads, clocks, files, power, leaks, configs, endurance)
    ),
}

FULL = {"broker": 12.0, "daemon": 60.0}
"""Minutes that make the form that is promised; in fewer the trials are smaller, in more larger."""


def main(argv: Sequence[str] | None = None) -> int:
    """Does the trials: 0 when all pass, 1 when one does not."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak", description="Tries what happens to a service, with the real parts."
    )
    parser.add_argument("what", choices=SOAKS, help="which trials")
    how_long = parser.add_mutually_exclusive_group()
    told = ", ".join(f"{what} {minutes:g}" for what, minutes in FULL.items())
    how_long.add_argument("--minutes", type=float, help=f"how long (default: in full: {told})")
    how_long.add_argument("--hours", type=float, help="the same in hours")
    parser.add_argument("--trial", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=0, help="of all that is left to chance (default: 0)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep logs, outboxes and plots there")
    args = parser.parse_args(argv)
    trials = SOAKS[args.what]
    names = [trial.name for trial in trials]
    minutes = args.minutes if args.hours is None else args.hours * 60
    if minutes is None:
        minutes = FULL[args.what]
    if not 0 < minutes < float("inf"):
        parser.error("--minutes, --hours: allowed: more than 0")
    if unknown := set(args.trial or ()) - set(names):
        parser.error(f"--trial {', '.join(sorted(unknown))}: allowed: {', '.join(names)}")
    if args.out and args.out.exists() and any(args.out.iterdir()):
        parser.error(f"--out {args.out}: allowed: a folder that is empty or not there yet")
    chosen = [trial for trial in trials if not args.trial or trial.name in args.trial]
    # Brokers and services that it started end with it; a frozen one would stay for good.
    signal.signal(signal.SIGTERM, _interrupt)
    scale = Scale(minutes / FULL[args.what], args.seed)
    try:
        with tempfile.TemporaryDirectory(prefix="edge-soak-") as folder:
            reports = [_run(trial, scale, (args.out or Path(folder)).absolute()) for trial in chosen]
    except KeyboardInterrupt:
        return 130
    passed = all(report.passed for report in reports)
    if args.json:
        print(json.dumps({"passed": passed, "trials": [report.record() for report in reports]}))
    else:
        show(reports)
    return 0 if passed else 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(trial: Trial, scale: Scale, folder: Path) -> Report:
    print(f"soak: {trial.name}: {trial.summary}", file=sys.stderr, flush=True)
    report = trial(scale, folder / trial.name)
    for claim in report.claims:
        mark = "ok" if claim.held else "FAILED"
        print(f"soak:   {mark:<7}{claim.what} ({claim.seen})", file=sys.stderr, flush=True)
    return report


if __name__ == "__main__":
    sys.exit(main())
