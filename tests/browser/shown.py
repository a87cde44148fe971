"""What the browser is shown: an Airflow below a sub-path with generations of every kind."""

from __future__ import annotations

import colorsys
import contextlib
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3

from airflow_harness.jobs import Services
from airflow_harness.real_airflow import RealAirflow
from airflow_provider_wiro.emulator.media import sample_sound, sample_video
from real_s3 import moto_s3

HERE = Path(__file__).parent
KEYS = {"login": "key", "password": "secret"}
REGION = "us-east-1"
ROOT = "s3://media@films/2026"
RUN = "manual__2026-11-27T09:30:00+00:00"
# Seconds, for a machine that has more to do.
PATIENCE = 400
NOT_THERE = "https://127.0.0.1:9/gone.mp4"


class BelowASubPath(RealAirflow):
    """As behind a proxy that serves other things too."""

    def _component(self, name: str) -> Any:
        self.env["AIRFLOW__API__BASE_URL"] = f"http://127.0.0.1:{self.port}/airflow/"
        execution = f"http://127.0.0.1:{self.port}/airflow/execution/"
        self.env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = execution
        self.api.root = f"http://127.0.0.1:{self.port}/airflow"
        return super()._component(name)


@dataclass
class Shown:
    """The Airflow, and how its DAG runs are called."""

    airflow: RealAirflow
    runs: dict[str, str]

    def url(self, path: str = "") -> str:
        """Return the address of a page of Airflow."""
        return f"{self.airflow.api.root}/{path}"

    def post(self, task_id: str, key: str, value: Any, dag_id: str = "films") -> None:
        """Put something into XCom, as a user can by REST."""
        run_id = quote(self.runs[dag_id], safe="")
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries"
        self.airflow.api.call("POST", path, {"key": key, "value": value, "map_index": -1})


MANY_INSTANCES = """
INSERT INTO task_instance
SELECT (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid(), 'map_index', number))).*
FROM task_instance one, generate_series(0, %s - 1) number WHERE one.dag_id = 'archive'
"""
MANY_GENERATIONS = """
INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)
SELECT run.id, one.task_id, one.map_index, 'wiro_generation', one.dag_id, one.run_id,
       jsonb_build_object('taskid', (one.map_index + 1)::text, 'outcome', 'success', 'cost_usd', 0.01),
       now() - one.map_index * interval '1 second'
FROM task_instance one JOIN dag_run run USING (dag_id, run_id) WHERE one.dag_id = 'archive' AND one.map_index >= 0
"""


@contextlib.contextmanager
def many_generations(there: Shown, number: int) -> Iterator[None]:
    """Have so many of the DAG ``archive``, where it would take hours to wait for them."""
    try:
        with there.airflow.database() as cursor:
            cursor.execute(MANY_INSTANCES, (number,))
            cursor.execute(MANY_GENERATIONS)
        yield
    finally:
        with there.airflow.database() as cursor:
            cursor.execute("DELETE FROM task_instance WHERE dag_id = 'archive' AND map_index >= 0")


@contextlib.contextmanager
def showing(home: Path) -> Iterator[Shown]:
    """Run Airflow until the end of the block."""
    services = Services()
    with contextlib.closing(services), moto_s3() as s3:
        _save(s3.url)
        connections = {
            "wiro_default": services.open("wiro_default", duration=2).connection,
            "wiro_slow": services.open("wiro_slow", duration=3600).connection,
            "media": {"conn_type": "aws", **KEYS, "extra": {"endpoint_url": s3.url, "region_name": REGION}},
        }
        settings = {"wiro.gallery_roots": ROOT, "core.test_connection": "Enabled"}
        airflow = BelowASubPath(home, connections, dags=(HERE / "dags",), stubs=(), settings=settings)
        try:
            airflow.start(PATIENCE)
            there = Shown(airflow, {})
            _fill(there)
            yield there
        finally:
            airflow.stop()


def _save(url: str) -> None:
    """Make two private buckets, of which the gallery may play what is in one."""
    keys = {"aws_access_key_id": KEYS["login"], "aws_secret_access_key": KEYS["password"]}
    s3 = boto3.client("s3", endpoint_url=url, region_name=REGION, **keys)
    files = {
        "1/0.mp4": sample_video(),
        **{f"2/{number}.png": picture(hue) for number, hue in enumerate((0.58, 0.9, 0.1))},
        "3/0.wav": sample_sound(),
    }
    for bucket in ("films", "private"):
        s3.create_bucket(Bucket=bucket)
    for name, content in files.items():
        s3.put_object(Bucket="films", Key=f"2026/{name}", Body=content)
    s3.put_object(Bucket="private", Key="0.mp4", Body=sample_video())
    s3.close()


def _fill(there: Shown) -> None:
    airflow = there.airflow
    for dag_id in ("films", "teasers", "archive"):
        airflow.wait_until(lambda dag_id=dag_id: airflow.api.knows(dag_id), f"Airflow has read {dag_id}", PATIENCE)
        airflow.api.trigger(dag_id, RUN, {})
        there.runs[dag_id] = RUN
    airflow.wait_task("films", RUN, "trailer", "success", timeout=PATIENCE)
    airflow.wait_task("teasers", RUN, "waiting", "deferred", timeout=PATIENCE)
    airflow.wait_task("films", RUN, "long", "success", timeout=PATIENCE)
    airflow.wait_task("archive", RUN, "video", "success", timeout=PATIENCE)
    now = time.time()
    for number, (task_id, (told, result)) in reversed(list(enumerate(TILES.items(), 1))):
        base = {"version": 1, "taskid": str(number), "model": "google/veo3.1", "submitted_at": now - 97 * number**2}
        rest = {"base_url": None, "try_number": 1, "attached": False, "outcome": "success", "error": None}
        there.post(task_id, "wiro_generation", {**base, **rest, "cost_usd": 0.4, **told})
        if result is not None:
            timing = {"status": "task_postprocess_end", "elapsed_seconds": 31.4, "cost_usd": 0.4, "text": None}
            there.post(task_id, "return_value", {"taskid": str(number), "outputs": [], **timing, **result})


def _saved(number: int, name: str, kind: str, root: str = ROOT) -> dict[str, Any]:
    where = {"uri": f"{root}/{number}/{name}", "size": 1, "sha256": "0"}
    return {"url": None, "name": name, "content_type": kind, "content": None, **where}


def _at_wiro(url: str) -> dict[str, Any]:
    return {"url": url, "name": "0.mp4", "content_type": "video/mp4", "size": 1, "content": None}


STORY = (
    "INT. LIGHTHOUSE – NIGHT\n\nThe keeper counts the seconds between two flashes. One is missing.\n\nKEEPER\nAgain."
)
TILES: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "opening": (
        {"inputs": {"prompt": "Opening shot: fog lifts over a harbour, gulls, a slow pan to the pier", "ratio": "16:9",
                    "duration": "5"}},
        {"outputs": [_saved(1, "0.mp4", "video/mp4")]},
    ),
    "poster": (
        {"model": "black-forest-labs/flux-2-pro", "cost_usd": 0.039,
         "inputs": {"prompt": "Film poster, bold shapes, a lighthouse at night", "aspectRatio": "3:4"}},
        {"outputs": [_saved(2, f"{number}.png", "image/png") for number in range(3)], "cost_usd": 0.039},
    ),
    "jingle": (
        {"model": "elevenlabs/text-to-speech", "cost_usd": 0.02,
         "inputs": {"prompt": "A foghorn, twice, far away", "duration_seconds": 4}},
        {"outputs": [_saved(3, "0.wav", "audio/wav")], "cost_usd": 0.02},
    ),
    "script": (
        {"model": "openai/gpt-5.2", "cost_usd": 0.0012, "inputs": {"prompt": "Write the first scene in six lines"}},
        {"outputs": [{"url": None, "name": None, "content_type": "raw", "size": None, "content": STORY}], "text": STORY,
         "cost_usd": 0.0012},
    ),
    "storyboard": (
        {"model": "google/veo3.1-fast", "inputs": {"prompt": "Second shot, kept in another bucket", "ratio": "16:9"}},
        {"outputs": [_saved(5, "0.mp4", "video/mp4", "s3://media@private/2026")]},
    ),
    "refused": (
        {"outcome": "flagged", "error": "WiroTaskFlagged", "cost_usd": None,
         "inputs": {"prompt": "What content moderation does not like"}},
        None,
    ),
    "expired": (
        {"inputs": {"prompt": "A film of last month, which was never saved"}},
        {"outputs": [_at_wiro(NOT_THERE)]},
    ),
    "hostile": (
        {"model": "<script>alert(1)</script>", "error": "<img src=x onerror=alert(1)>",
         "outcome": "constructor", "submitted_at": 1e16, "cost_usd": 1e308,
         "inputs": {"prompt": "<script>window.top.hacked = true</script><img src=x onerror='window.hacked = 1'>",
                    "<b>": "<svg onload=alert(1)>"}},
        {"outputs": [_at_wiro("javascript:window.hacked=1"),
                     _saved(8, "0.mp4", "video/mp4", "file:///etc"),
                     _saved(8, "../../../private/0.mp4", "video/mp4"),
                     _saved(8, "0.mp4", "video/mp4", "s3://other@films/2026")]},
    ),
    "elsewhere": ({"outcome": None, "cost_usd": None, "inputs": {"prompt": "Nobody waited for this one"}}, None),
    "long": (
        {"inputs": {"prompt": "word " * 2000, "negative_prompt": "n" * 10_000}},
        {"outputs": [_saved(1, "0.mp4", "video/mp4")]},
    ),
}  # fmt: skip


def picture(hue: float, width: int = 480, height: int = 640) -> bytes:
    """Return a PNG with a sky, a sea and a light in it, in the colours around *hue*."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            sea = y > height * 0.7
            near = ((x - width * 0.62) ** 2 + (y - height * 0.33) ** 2) ** 0.5 / height
            light = max(0.0, 0.95 - near * 2.2) if not sea else max(0.0, 0.45 - abs(x - width * 0.62) / width)
            red, green, blue = colorsys.hsv_to_rgb(
                (hue + y / height * 0.12) % 1, 0.72 - light * 0.6, 0.28 + light * 0.7
            )
            rows += bytes((int(red * 255), int(green * 255), int(blue * 255)))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(rows))),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        made += len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
    return made
