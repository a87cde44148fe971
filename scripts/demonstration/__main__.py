"""Run the demonstration, tell how it went, leave nothing running. `scripts/demo` calls it inside the environment."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from demonstration import live
from demonstration.buckets import manifest_beside, path_of
from demonstration.processes import Failed
from demonstration.run import DEMO, READER, TASK_LOGS, Demonstration, Shown
from demonstration.story import Story, tail
from environment import ROOT, interruptible, only_one


def main(*, is_live: bool) -> int:
    story = Story()
    story.tell("environment", _short(sys.prefix))
    demonstration = Demonstration(story, is_live=is_live, connection=live.connection() if is_live else "")
    try:
        demonstration.prepare()
        shown = demonstration.run()
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
    _show(shown)
    paid = "" if is_live else " Nothing was paid: this Wiro is emulated."
    print(f"\nDone in {story.seconds():.0f} s.{paid} The logs are in {_short(DEMO)}.")
    print("docs/quickstart.md goes on from here, with an Airflow of your own.")
    return 0


def _show(shown: Shown) -> None:
    """Tell in a few lines what was made of what, where it is, what it cost, and who has read it."""
    output = shown.result["outputs"][0]
    video = path_of(output["uri"])
    manifest, told = manifest_beside(output["uri"])
    [sha256] = told["files"].values()
    lines = {
        "image": f"{_short(shown.image)} ({shown.image.stat().st_size:,} bytes), uploaded to Wiro",
        "video": f"{_short(video)} ({video.stat().st_size:,} bytes), Wiro task {told['taskid']}",
        "manifest": _short(manifest),
        "  made by": f"{told['model']}, for {told['cost_usd']} USD",
        "  of": f"an image with SHA-256 {sha256[:16]}…",
        "  is": f"{told['outputs'][0]['name']} with SHA-256 {told['outputs'][0]['sha256'][:16]}…",
        "read by": f"the DAG {READER}, which the asset has started: {shown.read:,} bytes",
    }
    print()
    for name, line in lines.items():
        print(f"{name:<11} {line}")


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
