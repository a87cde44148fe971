"""What the gallery tells of generations, among what anybody may have put into XCom."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.gallery import listing
from airflow_provider_wiro.gallery.roots import read_roots
from generations import NOW, TASKID, Kept, generation, output, result

Visit = Callable[..., Any]
LATER = dt.timedelta(days=1)


def tiles(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["generations"]
    return found


def test_a_tile_says_what_people_look_for(kept: Kept, visit: Visit) -> None:
    kept.task(wiro_generation=generation(), return_value=result())
    [tile] = tiles(visit())
    assert (tile["prompt"], tile["model"], tile["ratio"], tile["duration"]) == (
        "A cat on a roof", "google/veo3.1", "16:9", "8",
    )  # fmt: skip
    assert (tile["outcome"], tile["state"], tile["cost_usd"], tile["taskid"]) == ("success", "success", 0.5, TASKID)
    assert tile["submitted_at"] == NOW.timestamp() - 60
    assert tile["model_page"] == "https://wiro.ai/models/google/veo3-1"
    [made] = tile["outputs"]
    assert (made["kind"], made["sources"]) == ("video", ["https://cdn1.wiro.ai/abc/0.mp4"])


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_what_a_database_takes_for_no_json_takes_the_page_from_nobody(kept: Kept, visit: Visit, odd: float) -> None:
    kept.task(wiro_generation=generation(inputs={"seed": odd}), return_value=result())
    kept.task(task_id="other", wiro_generation=generation(taskid="2", cost_usd=odd), return_value=result(taskid="2"))
    kept.task(task_id="older", output_urls=[output()["url"]], return_value=result(taskid="3", cost_usd=0.25, odd=odd))
    answer = visit()
    assert sorted(tile["taskid"] for tile in tiles(answer)) == ["2", "3", TASKID]
    assert answer.json()["cost_usd"] == 0.75


def test_a_moment_is_the_same_wherever_the_api_server_is(
    kept: Kept, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.task(wiro_generation=generation())
    try:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "America/New_York")
            time.tzset()
            [tile] = tiles(visit())
    finally:
        time.tzset()
    assert tile["changed_at"] == NOW.timestamp()


def test_a_tile_leads_to_its_task_instance_whatever_is_in_the_run_id(kept: Kept, visit: Visit) -> None:
    kept.task(run_id="manual__2026-11-27T12:00:00+00:00", map_index=3, wiro_generation=generation())
    [tile] = tiles(visit())
    assert tile["link"] == "dags/films/runs/manual__2026-11-27T12%3A00%3A00%2B00%3A00/tasks/video/mapped/3"


def test_what_a_real_task_leaves_is_shown(
    wiro_emulator: WiroEmulator, run_dag: Callable[..., Any], kept: Kept, visit: Visit
) -> None:
    from airflow_provider_wiro.operators.wiro import WiroRunOperator

    inputs = {"prompt": "A dog", "ratio": "1:1"}
    ended = run_dag(lambda: WiroRunOperator(task_id="video", model="test/video", inputs=inputs, poll_interval=0.1))
    [instance] = ended.instances
    [tile] = tiles(visit(dag_id=instance.dag_id))
    assert (tile["outcome"], tile["prompt"], tile["ratio"], tile["model"]) == ("success", "A dog", "1:1", "test/video")
    assert tile["outputs"][0]["sources"]
    assert tile["cost_usd"] is not None


@pytest.mark.parametrize(
    ("state", "outcome"), [("deferred", "under_way"), ("running", "under_way"), ("failed", "not_told")]
)
def test_what_is_under_way_says_how_far(kept: Kept, visit: Visit, state: str, outcome: str) -> None:
    kept.task(state=state, wiro_generation=generation(outcome=None, cost_usd=None))
    answer = visit()
    [tile] = tiles(answer)
    assert (tile["outcome"], tile["state"], tile["outputs"]) == (outcome, state, [])
    assert answer.json()["under_way"] == (outcome == "under_way")


def test_what_0_1_0_kept_is_shown(kept: Kept, visit: Visit) -> None:
    kept.task(taskid=TASKID, output_urls=["https://cdn1.wiro.ai/abc/0.mp4"], return_value=result())
    kept.task(task_id="foreign", output_urls=["https://example.org/"], return_value="something else")
    answer = visit()
    [tile] = tiles(answer)
    assert (tile["task_id"], tile["outcome"], tile["taskid"], tile["cost_usd"]) == ("video", "success", TASKID, 0.5)
    assert len(tile["outputs"]) == 1
    assert answer.json()["cost_usd"] == 0.5


def test_filters(kept: Kept, visit: Visit) -> None:
    kept.task(wiro_generation=generation(taskid="1"))
    kept.task(
        task_id="b", wiro_generation=generation(taskid="2", model="runway/gen4", outcome="flagged", cost_usd=None)
    )
    kept.task("ads", wiro_generation=generation(taskid="3", cost_usd=0.25), at=NOW + LATER)

    def found(**query: Any) -> list[str]:
        return [tile["taskid"] for tile in tiles(visit(**query))]

    assert found() == ["3", "1", "2"] or found() == ["3", "2", "1"]
    assert found(dag_id="ads") == ["3"]
    assert found(dag_id="films", task_id="b") == ["2"]
    assert found(model="runway/gen4") == ["2"]
    assert found(outcome="flagged") == found(outcome="any_failure") == ["2"]
    assert found(since=(NOW + LATER / 2).isoformat()) == ["3"]
    assert set(found(until=(NOW + LATER / 2).isoformat())) == {"1", "2"}
    told = visit().json()
    assert told["dags"] == ["ads", "films"]
    assert told["models"] == ["google/veo3.1", "runway/gen4"]
    assert told["outcomes"] == ["flagged", "success"]
    assert (told["total"], told["cost_usd"], told["costs_known"]) == (3, 0.75, 2)


def test_a_generation_that_two_tasks_tell_of_costs_once(kept: Kept, visit: Visit) -> None:
    kept.task(wiro_generation=generation())
    kept.task(task_id="sensor", wiro_generation=generation())
    told = visit().json()
    assert (told["total"], told["cost_usd"]) == (2, 0.5)


def test_what_is_under_way_comes_first(kept: Kept, visit: Visit) -> None:
    kept.task(task_id="a", wiro_generation=generation(taskid="1"), at=NOW + LATER)
    kept.task(task_id="b", state="deferred", wiro_generation=generation(taskid="2", outcome=None))
    assert [tile["taskid"] for tile in tiles(visit())] == ["2", "1"]


def test_pages(kept: Kept, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PER_PAGE", 2)
    for number in range(5):
        at = NOW + dt.timedelta(seconds=number)
        kept.task(map_index=number, wiro_generation=generation(taskid=f"{number + 1}"), at=at)
    pages = [visit(page=number).json() for number in range(4)]
    assert [[tile["taskid"] for tile in page["generations"]] for page in pages] == [["5", "4"], ["3", "2"], ["1"], []]
    assert {(page["pages"], page["total"], page["cost_usd"]) for page in pages} == {(3, 5, 2.5)}
    monkeypatch.setattr(listing, "MOST", 3)
    assert visit().json()["more"]


HOSTILE: list[Any] = [
    "text", 7, None, [], {}, {"taskid": {}, "model": [1], "inputs": 5, "cost_usd": "x", "outcome": 9, "error": {}},
    {"taskid": "1" * 10_000, "inputs": {"prompt": "a" * 10_000, "b": {"c": [{}] * 1000}}, "submitted_at": 10**400},
    generation(model="<script>", inputs={"prompt": "<script>alert(1)</script>"}, outcome="<b>", cost_usd=-5),
    generation(inputs={"prompt": "half a cat \ud83d", "\ud83d": 1}, cost_usd=1e308, outcome="constructor"),
    generation(version=99, cost_usd=float(10**15), submitted_at="tomorrow", model="../../x"),
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: json.dumps(value)[:30])
def test_nothing_in_xcom_breaks_the_page(kept: Kept, visit: Visit, value: Any) -> None:
    kept.task(wiro_generation=value, return_value=value)
    kept.task(task_id="good", wiro_generation=generation(), return_value=result())
    kept.task(task_id="odd", wiro_generation=generation(), return_value=result({"url": value}, text=value))  # type: ignore[dict-item]
    kept.task(task_id="again", wiro_generation=value)
    answer = visit()
    found = tiles(answer)
    assert {tile["task_id"] for tile in found} == {"video", "good", "odd", "again"}
    assert answer.json()["cost_usd"] == 0.5
    assert all(len(tile["prompt"] or "") <= 4000 for tile in found)
    assert all(tile["model_page"] in (None, "https://wiro.ai/models/google/veo3-1") for tile in found)


@pytest.mark.parametrize("taskid", ["0", "", ["1"], {"a": 1}])
def test_two_that_name_no_task_are_not_taken_for_one(kept: Kept, visit: Visit, taskid: Any) -> None:
    for name, cost in (("one", 1.0), ("two", 2.0)):
        kept.task(task_id=name, wiro_generation=generation(taskid=taskid, cost_usd=cost, model=["a"]))
    answer = visit().json()
    assert [tile["taskid"] for tile in answer["generations"]] == [None, None]
    assert (answer["cost_usd"], answer["models"]) == (3.0, [])


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "\x00https://a", "//"]
)
def test_only_web_addresses_are_links(kept: Kept, visit: Visit, url: str) -> None:
    kept.task(wiro_generation=generation(), return_value=result(output(url=url)))
    [tile] = tiles(visit())
    assert (tile["outputs"][0]["url"], tile["outputs"][0]["sources"]) == (None, [])


@pytest.mark.parametrize(
    ("inputs", "prompt"),
    [
        ({"promptOptimizer": True, "prompt": "A cat", "enhancePrompt": "yes"}, "A cat"),
        ({"promptStrength": 0.5, "negativePrompt": "rain", "textPrompt": "A cat"}, "A cat"),
        ({"promptOptimizer": True}, None),
    ],
)
def test_the_prompt_is_the_text_that_is_called_so(
    kept: Kept, visit: Visit, inputs: dict[str, Any], prompt: str | None
) -> None:
    kept.task(wiro_generation=generation(inputs=inputs))
    [tile] = tiles(visit())
    assert tile["prompt"] == prompt
    assert {name for name, _ in tile["inputs"]} == {name for name in inputs if inputs[name] != prompt}


def test_generations_without_a_taskid_are_counted_each(kept: Kept, visit: Visit) -> None:
    for number in range(3):
        kept.task(task_id=f"video_{number}", wiro_generation=generation(taskid=None))
    answer = visit()
    assert (answer.json()["cost_usd"], answer.json()["costs_known"]) == (1.5, 3)


def test_the_tiles_costs_are_what_the_total_says(kept: Kept, visit: Visit) -> None:
    kept.task(wiro_generation=generation(cost_usd=None), return_value=result(cost_usd=0.5))
    answer = visit()
    [tile] = tiles(answer)
    assert (tile["cost_usd"], answer.json()["costs_known"]) == (None, 0)


def test_text_is_shown_as_text(kept: Kept, visit: Visit) -> None:
    said = output(url=None, name=None, content_type="raw", content={"answer": ["<b>yes</b>"]})
    kept.task(wiro_generation=generation(), return_value=result(said, text="<b>yes</b>"))
    [tile] = tiles(visit())
    assert tile["text"] == "<b>yes</b>"
    assert tile["outputs"][0]["text"] == '{"answer": ["<b>yes</b>"]}'
    kept.task(task_id="long", wiro_generation=generation(), return_value=result(text="a" * 10_000))
    assert [len(tile["text"]) for tile in tiles(visit(task_id="long"))] == [4000]


def test_a_result_of_another_generation_is_not_shown(kept: Kept, visit: Visit) -> None:
    kept.task(wiro_generation=generation(taskid="2"), return_value=result())
    [tile] = tiles(visit())
    assert tile["outputs"] == []


def test_a_saved_file_is_named_and_streamed_only_below_a_root(
    kept: Kept, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = output(uri="s3://aws@media/videos/534574/0.mp4")
    kept.task(wiro_generation=generation(), return_value=result(saved))
    [made] = tiles(visit())[0]["outputs"]
    assert (made["saved"], made["streamed"]) == ("s3://media/videos/534574/0.mp4", False)
    monkeypatch.setenv("AIRFLOW__WIRO__GALLERY_ROOTS", "s3://aws@media/videos")
    [made] = tiles(visit())[0]["outputs"]
    assert made["streamed"]
    assert made["sources"][1] == "https://cdn1.wiro.ai/abc/0.mp4"
    assert parse_qs(urlsplit(made["sources"][0]).query)["run_id"] == ["manual__2026-11-27T12:00:00+00:00"]
    assert "aws" not in made["sources"][0]


def test_values_of_an_xcom_backend_are_read_only_where_that_is_switched_on(
    kept: Kept, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_wiro.gallery import values

    class Backend:
        @staticmethod
        def deserialize_value(row: Any) -> Any:
            return {"one": generation(), "two": result()}[row.value]

    monkeypatch.setattr("airflow_provider_wiro.compat.XCom", Backend, raising=False)
    kept.task(wiro_generation="one", return_value="two")
    [tile] = tiles(visit())
    assert (tile["kept_elsewhere"], tile["model"], tile["outputs"]) == (True, None, [])
    assert not values.asks_backend()
    monkeypatch.setenv("AIRFLOW__WIRO__GALLERY_XCOM_BACKEND", "True")
    answer = visit()
    [tile] = tiles(answer)
    assert (tile["kept_elsewhere"], tile["model"]) == (False, "google/veo3.1")
    assert len(tile["outputs"]) == 1
    assert (answer.json()["kept_elsewhere"], answer.json()["costs_known"]) == (1, 0)


def test_the_page_runs_no_script_but_its_own(visit: Visit) -> None:
    page = visit("", user=None)
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert "<script>" not in page.text
    assert " on" not in page.text.replace(" only", "")
    assert " style=" not in page.text
    assert page.headers["x-content-type-options"] == "nosniff"
    script = visit("static/gallery.js", user=None)
    assert script.headers["content-security-policy"] == policy
    assert "javascript" in script.headers["content-type"]


def test_an_emulated_wiro_is_played_where_airflow_is_on_the_same_machine(visit: Visit) -> None:
    policy = visit("", headers={"Host": "localhost:8080"}).headers["content-security-policy"]
    assert "media-src 'self' https: http://localhost:* http://127.0.0.1:*" in policy


def test_every_address_in_the_page_is_relative() -> None:
    from pathlib import Path

    folder = Path(listing.__file__).parent / "static"
    for path in folder.glob("*.js"):
        assert "innerHTML" not in path.read_text(), path
        assert 'fetch("/' not in path.read_text(), path
    page = (folder / "index.html").read_text()
    assert 'href="/' not in page
    assert 'src="/' not in page


def test_what_is_posted_by_rest_is_read_too(kept: Kept, visit: Visit) -> None:
    from airflow.models.xcom import XComModel

    where: dict[str, Any] = {"dag_id": "films", "task_id": "video", "run_id": "manual__2026-11-27T12:00:00+00:00"}
    kept.task()
    XComModel.set("wiro_generation", generation(), **where)
    XComModel.set("return_value", result(), **where)
    [tile] = tiles(visit())
    assert (tile["model"], len(tile["outputs"])) == ("google/veo3.1", 1)


def test_odd_questions_are_refused(visit: Visit) -> None:
    assert visit(page=-1).status_code == 422
    assert visit(since="2026-11-27T00:00:00").status_code == 422
    assert visit(map_index="x").status_code == 422
    assert visit(since="0001-01-01T00:00:00+14:00").status_code == 422
    assert visit(until="9999-12-31T23:59:59-14:00").status_code == 422
    assert visit(run_id="a\x00b").status_code == 422
    assert read_roots(None) == ([], [])
