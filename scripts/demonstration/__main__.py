"""Run the demonstration, tell how it went, leave nothing running. `scripts/demo` calls it inside the environment."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from demonstration import live
from demonstration.processes import Failed
from demonstration.run import DEMO, TASK_LOGS, Demonstration
from demonstration.story import Story, tail
from environment import ROOT, interruptible, only_one


def main(*, is_live: bool) -> int:
    story = Story()
    story.tell("environment", _short(sys.prefix))
    demonstration = Demonstration(story, is_live=is_live, connection=live.connection() if is_live else "")
    try:
        demonstration.prepare()
        result = demonstration.run()
        video = demonstration.save(result)
    except (Failed, OSError) as failure:
        _explain(failure)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted: ending everything", flush=True)
        return 130
    finally:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)
        demonstration.stop()
    _show(result, video, is_live=is_live)
    print(f"\nDone in {story.seconds():.0f} s. The logs are in {_short(DEMO)}.")
    return 0


def _show(result: dict[str, Any], video: Path, *, is_live: bool) -> None:
    print(f"\ntaskid  {result['taskid']}")
    print(f"video   {result['outputs'][0]['url']}{'' if is_live else ' (emulated; gone now)'}")
    print(f"saved   {_short(video)} ({video.stat().st_size:,} bytes)")


def _explain(failure: Exception) -> None:
    print(f"\nThe demonstration failed: {failure}", file=sys.stderr)
    if isinstance(failure, Failed) and failure.log:
        print(f"\nThe end of {_short(failure.log)}:\n{tail(failure.log)}", file=sys.stderr)
    print(f"\nAll logs: {_short(DEMO)}/logs, the task's: {_short(TASK_LOGS)}", file=sys.stderr)


def _short(path: str | Path) -> str:
    return str(Path(path).relative_to(ROOT))


if __name__ == "__main__":
    DEMO.mkdir(exist_ok=True)
    with interruptible(), only_one(DEMO / ".lock"):
        sys.exit(main(is_live="--live" in sys.argv))
