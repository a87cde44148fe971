"""Compares rules for the pause between two looks, on a simulated clock.

    python benchmarks/pauses.py [--jobs 200]

Our numbers are those of the real flow: `core.polling.wait`, driven against a task that ends after a while. The lengths
of the jobs of a kind differ by ±10 %. Where earlier tasks are known, they are eight of the same kind. A request takes
no time here, and all rules look for the first time right after the submission.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from airflow_provider_wiro.core.pace import Experience
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import Answer, Look, Now, Reply, Sleep

START = 1_734_513_807.0
MODEL = "Runway/image-to-video-gen4-turbo"
LENGTHS = {"10 s": 10.0, "1 min": 60.0, "5 min": 300.0, "30 min": 1_800.0}
Rule = Callable[[str, float, Experience], list[float]]


def ours(taskid: str, length: float, experience: Experience | None) -> list[float]:
    """Return at which ages this package looks at a task of that length."""
    looks: list[float] = []
    age, answer = 0.0, None
    flow = wait(WaitPlan(taskid, START, START + 86_400), experience)
    try:
        while True:
            step = flow.send(answer)
            answer = None
            if isinstance(step, Look):
                looks.append(age)
                answer = shown(taskid, age >= length)
            elif isinstance(step, Now):
                answer = START + age
            elif isinstance(step, Sleep):
                age += step.seconds
    except StopIteration:
        return looks


def shown(taskid: str, over: bool) -> Answer:
    """Return the answer to a look. It tells no times, so that nothing is learned here but what was given."""
    row = {"id": taskid, "status": "task_postprocess_end" if over else "task_start", "pexit": "0" if over else None}
    owner, name = MODEL.split("/")
    row |= {"modelslugowner": owner, "modelslugproject": name}
    return Reply.from_http(200, json.dumps({"result": True, "errors": [], "tasklist": [row]}).encode())


def fixed(seconds: float) -> Rule:
    """Look every so many seconds."""
    return _by(lambda _: seconds)


def vendor() -> Rule:
    """Look as the vendor's own clients do: every 2 s up to 15 s, every 5 s up to a minute, then every 10 s."""
    return _by(lambda age: 2.0 if age < 15 else 5.0 if age < 60 else 10.0)


def _by(pause: Callable[[float], float]) -> Rule:
    def looks(_: str, length: float, __: Experience) -> list[float]:
        ages = [0.0]
        while ages[-1] < length:
            ages.append(ages[-1] + pause(ages[-1]))
        return ages

    return looks


RULES: dict[str, Rule] = {
    "every 5 s": fixed(5),
    "the vendor's clients: 2, 5, 10 s": vendor(),
    "n8n's node: every 20 s": fixed(20),
    "**this package**, nothing known": lambda taskid, length, _: ours(taskid, length, None),
    "**this package**, eight earlier tasks known": ours,
}


def kinds(jobs: int) -> Iterator[tuple[str, list[float], Experience]]:
    """Return each kind of job: its name, the lengths of its jobs, and what is known of earlier ones."""
    draw = random.Random(1)
    for name, length in LENGTHS.items():
        experience = Experience()
        for _ in range(8):
            experience.learn(MODEL, length * draw.uniform(0.9, 1.1))
        yield name, [length * draw.uniform(0.9, 1.1) for _ in range(jobs)], experience


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200, help="how many jobs of each kind")
    options = parser.parse_args()
    cells: dict[str, list[str]] = {name: [] for name in RULES}
    for _, lengths, experience in kinds(options.jobs):
        for name, rule in RULES.items():
            seen = [rule(str(2221 + number), length, experience) for number, length in enumerate(lengths)]
            late = [looks[-1] - length for looks, length in zip(seen, lengths, strict=True)]
            cells[name].append(f"{statistics.fmean(map(len, seen)):.1f} / {statistics.fmean(late):.1f} s")
    print(f"| requests a task / mean delay | {' | '.join(LENGTHS)} |\n|---{'|---' * len(LENGTHS)}|")
    for name, row in cells.items():
        print(f"| {name} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
