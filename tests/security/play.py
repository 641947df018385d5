"""Plays the cases on proxies: `python -m tests.security.play [GROUP …] [--on PROXY …]` prints what each group comes to.

Groups are `requests`, `answers`, `trust` and `faults`. Of each, every `share`-th case is played, so many `at_once`. `SECURITY_PEER="nginx haproxy"` adds proxies that are known to fail.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.security import answers, faults, requests, trust
from tests.security.case import Case
from tests.security.proxies import OURS, START, Running
from tests.security.stage import SAFE, UNSAFE, Outcome, Recorder, Verdict, converse, innocent, staged

Verdicts = dict[str, Verdict]


def play_requests(name: str, folder: Path, only: str = "", at_once: int = 1, share: int = 1) -> Verdicts:
    """Send all requests through a proxy, and after each one what the next client asks."""
    recorder = Recorder()
    chosen = [case for case in requests.cases()[::share] if only in f"{case.kind}: {case.name}"]

    with staged(name, folder, recorder) as (running, _), ThreadPoolExecutor(at_once) as pool:

        def play(number: int) -> tuple[Case, bytes, Outcome, str]:
            case, token = chosen[number], b"c%04d-" % number
            outcome = converse(running.port, case.pieces(token), case.methods, 0 if case.attack else len(case.statuses))
            return case, token, outcome, innocent(running.port, token)

        found = list(pool.map(play, range(len(chosen))))
        time.sleep(0.2)  # what comes late is seen, too
        verdicts = {}
        for case, token, outcome, wrong in found:
            if (name, case.kind) in requests.ELSEWHERE:
                continue
            verdict = Verdict(UNSAFE, wrong) if wrong else requests.judge(case, token, outcome, recorder)
            label = f"{case.kind}: {case.name}"
            assert label not in verdicts, label
            verdicts[label] = verdict
    return verdicts


def play_answers(name: str, folder: Path, only: str = "", at_once: int = 1, share: int = 1) -> Verdicts:
    """Have an upstream say all answers, and after each one what the next client asks."""
    chosen = [case for case in answers.cases()[::share] if only in f"{case.kind}: {case.name}"]
    with staged(name, folder, answers.Speaker(chosen)) as (running, _), ThreadPoolExecutor(at_once) as pool:

        def play(number: int) -> tuple[str, Verdict]:
            case, token = chosen[number], b"c%04d-" % number
            outcome = converse(running.port, [answers.asking(case, token)], [case.method], 1, done=answers.told(case))
            time.sleep(case.late)
            wrong = innocent(running.port, token)
            return f"{case.kind}: {case.name}", Verdict(UNSAFE, wrong) if wrong else answers.judge(case, outcome)

        alone = [number for number, case in enumerate(chosen) if case.late]
        found = list(pool.map(play, [number for number in range(len(chosen)) if number not in alone]))
        found += [play(number) for number in alone]
    assert len(dict(found)) == len(found)
    return dict(found)


def play_trust(name: str, folder: Path, only: str = "", at_once: int = 1, share: int = 1) -> Verdicts:
    """Try to be somebody else, and to get out of a prefix."""
    found: Verdicts = {}
    for paths in (False, True):
        prefix = trust.PREFIX if paths else "/"
        chosen = [
            case
            for case in trust.cases(paths)[::share]
            if only in f"{case.kind}: {case.name}" and not trust.elsewhere(name, case)
        ]
        recorder = Recorder()
        with staged(name, folder, recorder, prefix=prefix) as (running, _), ThreadPoolExecutor(at_once) as pool:

            def play(
                number: int, chosen: list[trust.Case] = chosen, running: Running = running, prefix: str = prefix
            ) -> tuple[trust.Case, bytes, Outcome, str]:
                case, token = chosen[number], b"c%04d-" % number
                outcome = converse(running.port, [case.send.replace(b"<mark>", token)], [case.send.split(b" ", 1)[0]], 1)
                return case, token, outcome, innocent(running.port, token, prefix.rstrip("/").encode() + b"/")

            played = list(pool.map(play, range(len(chosen))))
            time.sleep(0.1)
        for case, token, outcome, wrong in played:
            verdict = Verdict(UNSAFE, wrong) if wrong else trust.judge(case, token, outcome, recorder)
            assert f"{case.kind}: {case.name}" not in found
            found[f"{case.kind}: {case.name}"] = verdict
    return found


def play_faults(name: str, folder: Path, only: str = "", at_once: int = 1, share: int = 1) -> Verdicts:
    """Let clients and upstreams fail."""
    found: Verdicts = {}
    with faults.prepared(name, folder, share == 1) as stage:
        for case in faults.chosen(name, only):
            try:
                figures = faults.CASES[case](stage)
                found[case] = Verdict(SAFE, str(figures))
            except (faults.Wrong, OSError, AssertionError) as why:
                found[case] = Verdict(UNSAFE, f"{type(why).__name__} {why}")
            stage.leave()
    return found


GROUPS = {"requests": play_requests, "answers": play_answers, "trust": play_trust, "faults": play_faults}


def _peers() -> list[str]:
    return os.environ.get("SECURITY_PEER", "").split()


def main() -> None:
    """Play, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=list(GROUPS))
    parser.add_argument("--on", nargs="*", default=[*OURS, *_peers()], choices=list(START))
    parser.add_argument("--only", default="")
    parser.add_argument("--at-once", type=int, default=1)
    arguments = parser.parse_args()
    bad = 0
    for group in arguments.groups:
        for name in arguments.on:
            begun = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                verdicts = GROUPS[group](name, Path(folder), arguments.only, arguments.at_once)
            counts = Counter(one.verdict for one in verdicts.values())
            print(f"{group} on {name}: {len(verdicts)} cases in {time.monotonic() - begun:.0f} s:", dict(counts), flush=True)
            for label, (verdict, why) in verdicts.items():
                if verdict != SAFE or arguments.only or group == "faults":
                    print(f"  {verdict:6} {label}: {why}")
            bad += sum(counts[one] for one in ("UNSAFE", "BROKEN")) if name in OURS else 0
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
