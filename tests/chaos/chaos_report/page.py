"""The page docs/reliability.md."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from chaos_report.results import Result, Session

INTRODUCTION = Path(__file__).with_name("introduction.md")
MIXED = (
    '**Not all of this ran on the same code:** see the column "code", a fingerprint of the package and its chaos tests.'
)
HEADINGS = ("What happens", "Runs accepted", "Airflow task", "At Wiro", "Airflow: passed of ran", "Remarks")


def page(sessions: Sequence[Session], tables: Sequence[str]) -> str:
    """Return the page in Markdown.

    :param tables: the names of the tables, in their order; others follow.
    """
    results = [result for session in sessions for result in session.results if result.result != "skipped"]
    names = list(dict.fromkeys([*tables, *(result.table for result in results)]))
    parts = [INTRODUCTION.read_text().strip(), _sessions(sessions)]
    for name in names:
        mine = [result for result in results if result.table == name]
        if mine:
            parts.append(f"## {name}\n\n{_table(mine)}")
    return "\n\n".join(parts) + "\n"


def _sessions(sessions: Sequence[Session]) -> str:
    lines = []
    for session in sessions:
        if session.seconds is not None and all(result.result == "skipped" for result in session.results):
            continue
        tables = ", ".join(dict.fromkeys(result.table for result in session.results))
        counted = [result for result in session.results if result.result != "skipped"]
        day = time.strftime("%Y-%m-%d", time.gmtime(session.at))
        took = "not to the end" if session.seconds is None else f"{session.seconds:.0f} s"
        passed = f"{sum(not result.is_red for result in counted)} of {len(counted)}"
        lines.append((tables, session.airflow, session.python, session.postgres, passed, took, session.code, day))
    headings = ("Table", "Airflow", "Python", "PostgreSQL", "rows passed", "took", "code", "on")
    warning = "" if same_code(sessions) else f"\n\n{MIXED}"
    return f"## What it ran on\n\n{_markdown(headings, lines)}{warning}"


def same_code(sessions: Sequence[Session]) -> bool:
    """Whether all sessions surely ran the same package and tests."""
    codes = {session.code for session in sessions}
    return len(codes) == 1 and "unknown" not in codes


def _table(results: Sequence[Result]) -> str:
    """Rows with the same name and the same facts are one, whatever versions they come from."""
    grouped: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        facts = (result.name, result.runs, result.state, result.remote, _remark(result))
        grouped.setdefault(facts, []).append(result)
    order = list(dict.fromkeys(result.name for result in results))
    rows = sorted(grouped.items(), key=lambda item: order.index(item[0][0]))
    return _markdown(HEADINGS, [(*facts[:-1], _versions(same), facts[-1]) for facts, same in rows])


def _remark(result: Result) -> str:
    if not result.is_red:
        return result.outcome
    return f"**{result.result}**{': ' + result.outcome if result.outcome else ''}"


def _versions(results: Iterable[Result]) -> str:
    by_version: dict[str, list[Result]] = {}
    for result in results:
        by_version.setdefault(result.airflow, []).append(result)
    return ", ".join(
        f"{version}: {sum(not result.is_red for result in same)} of {len(same)}" for version, same in by_version.items()
    )


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
