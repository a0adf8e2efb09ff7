"""An hour of misfortune for a real plant: coordinator, three nodes of different roles and a trainer, each on a host of
its own (a network namespace), the coordinator's data on a small disk. Random kills, stops past the lease, partitions
(both ways and one way), full disks, jumping clocks, power cuts, failing and hanging syncs, until the time is over.

Usage: tests/faults/chaos.py BUILD [--minutes 60] [--seed S] [--round-s 240] [--packages json,html] [--no-trainer]

Rounds follow each other; each is a plant of its own, slowed down by rates of the queue so that it lasts. A round must
end with the digest, the counts by stage and the funnel of the run that nothing happened to; nothing that was shown as
done may be gone when the plant is looked at again; no process may end in a way that the faults do not explain. The
seed decides what happens when; what the processes make of it is up to the machine. Logs: BUILD/chaos/seed-S.
Status 1 if anything was violated; the last line counts.
"""
import argparse
import json
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from chaos_faults import FAULTS, Misfortune  # noqa: E402
from chaos_plant import ChaosPlant, Violation, make_sources, undisturbed  # noqa: E402

STUCK_S = 240  # after the last fault a plant must be done, or have moved within so long


def play(plant, misfortune, fate, seconds):
    """One round: faults for `seconds` at most, then peace until the plant is done, however slow the machine makes it."""
    started = time.monotonic()
    next_at, moved_at, seen = started + 1, started + seconds, None
    while not plant.finished():
        now = time.monotonic()
        misfortune.mend(now)
        if now - started > seconds:
            misfortune.mend_all()
            if plant.progress() != seen:
                moved_at, seen = now, plant.progress()
            if now - moved_at > STUCK_S:
                raise Violation(f"{STUCK_S} s without faults and without a step: {plant.last_status}")
        elif now >= next_at:
            misfortune.strike(fate.choices([row.name for row in FAULTS], [row.weight for row in FAULTS])[0], now)
            next_at = now + fate.uniform(0.3, 2.5)
        plant.supervise()
        time.sleep(0.05)
    misfortune.mend_all()


def run_round(options, folder, seed, sources, expected, seconds):
    """(faults by name, violation or None, seconds) of one plant."""
    plant = ChaosPlant(options.build, folder, sources, expected["stages"], options.trainer, seconds)
    started, violation, fate = time.monotonic(), None, random.Random(seed)
    misfortune = Misfortune(plant, fate)
    try:
        plant.start()
        play(plant, misfortune, fate, seconds)
        plant.check(expected)
    except Violation as found:
        violation = str(found)
        plant.tell(f"VIOLATION {violation}")
    except Exception:  # of the driver's own; the rounds to come are still worth having
        violation = traceback.format_exc()
    finally:
        plant.stop()
    return misfortune.happened, violation, time.monotonic() - started


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--round-s", type=float, default=240, help="faults happen for so long in each round")
    parser.add_argument("--packages", default="json,html,logging,email", help="of the standard library, as code to mutate and lint")
    parser.add_argument("--no-trainer", dest="trainer", action="store_false", help="rounds end with the dataset")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.trainer = options.trainer and (options.build / "mendel-trainer").exists()
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    folder = options.build / "chaos" / f"seed-{options.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = make_sources(folder / "sources", options.packages.split(","))
    print(f"chaos: seed {options.seed}, {options.minutes:g} minutes, logs in {folder}", flush=True)
    expected = undisturbed(options.build, folder / "undisturbed", sources, options.trainer)
    print(f"undisturbed: digest {expected['digest']}, {sum(stage['done'] for stage in expected['stages'].values())} items", flush=True)
    until = time.monotonic() + options.minutes * 60
    total, violations, rounds = {}, 0, 0
    while rounds == 0 or time.monotonic() < until:
        left = max(5.0, until - time.monotonic())
        happened, violation, seconds = run_round(options, folder / f"round-{rounds}", options.seed * 1000 + rounds, sources, expected, min(options.round_s, left))
        for name, count in happened.items():
            total[name] = total.get(name, 0) + count
        violations += violation is not None
        print(f"round {rounds}: {'ok' if violation is None else violation}; {sum(happened.values())} faults in {seconds:.0f} s", flush=True)
        rounds += 1
    print(json.dumps({"seed": options.seed, "rounds": rounds, "violations": violations, "faults": dict(sorted(total.items())), "digest": expected["digest"]}))
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
