"""Reading a task: every number comes as a string, fields may be missing, null or new."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.outputs import MOST_OUTPUTS
from airflow_provider_wiro.core.task import COMPLETED, Output, Task, read_taskid
from fake_driver import VIDEO, row

SEED = {
    "id": "534574",
    "uuid": "15bce51f-442f-4f44-a71d-13c6374a62bd",
    "name": "",
    "socketaccesstoken": "ZpYote30on42O4jjHXNiKmrWAZqbRE",
    "parameters": {"inputImage": "https://api.wiro.ai/v1/File/mCmUXgZLG1FNjjjwmbtPFr2LVJA112/inputImage-6060136.png"},
    "debugoutput": "",
    "debugerror": "",
    "starttime": "1734513809",
    "endtime": "1734513813",
    "elapsedseconds": "6.0000",
    "status": "task_cancel",
    "cps": "0.000585000000",
    "totalcost": "0.003510000000",
    "guestid": None,
    "pexit": "0",
    "categories": '["tool","image-to-image","quick-showcase","compare-landscape"]',
    "outputs": [
        {
            "id": "6bc392c93856dfce3a7d1b4261e15af3",
            "name": "0.png",
            "contenttype": "image/png",
            "size": "202472",
            "accesskey": "dFKlMApaSgMeHKsJyaDeKrefcHahUK",
            "ispublic": 0,
            "expiretime": None,
            "url": "https://cdn1.wiro.ai/6a6af820-c5050aee/0.png",
        }
    ],
}


def test_the_seeds_task_is_read() -> None:
    task = Task.from_payload(SEED)
    assert task is not None
    assert (task.taskid, task.status, task.pexit) == ("534574", "task_cancel", "0")
    picture = Output("https://cdn1.wiro.ai/6a6af820-c5050aee/0.png", "0.png", "image/png", 202472)
    assert (task.outputs, task.unreadable, task.text) == ((picture,), (), None)
    assert (task.cost_usd, task.elapsed_seconds, task.took) == (0.00351, 6.0, None)
    assert task.token == "ZpYote30on42O4jjHXNiKmrWAZqbRE"
    assert (task.stderr, task.stdout, task.error, task.flagged) == ("", "", None, None)
    assert task.terminal
    assert not task.succeeded
    assert "ZpYote30" not in repr(task)
    assert "ZpYote30" not in str(task.result())


def test_the_smallest_task_is_an_id_and_a_status() -> None:
    task = Task.from_payload({"id": 7, "status": "task_queue"})
    assert task is not None
    assert (task.taskid, task.status, task.pexit, task.outputs, task.model) == ("7", "task_queue", None, (), None)
    assert (task.cost_usd, task.elapsed_seconds, task.token, task.error) == (None, None, None, None)


@pytest.mark.parametrize(
    "payload", [None, [], "x", {}, {"id": "7"}, {"status": "task_queue"}, {"id": "7", "status": None}]
)
def test_without_an_id_and_a_status_it_is_no_task(payload: object) -> None:
    assert Task.from_payload(payload) is None


@pytest.mark.parametrize(
    ("value", "taskid"),
    [
        ("2221", "2221"),
        (2221, "2221"),
        (" 2221\n", "2221"),
        ("aß-1", "aß-1"),
        (0, None),
        ("0", None),
        (10**29, "1" + "0" * 29),
        (10**31, None),
        pytest.param(10**5000, None, id="5000 digits"),
        (True, None),
        (2221.0, None),
        (None, None),
        ("", None),
        ("  ", None),
        ("22 21", None),
        ("22\x0021", None),
        ("22\ud80021", None),
        ("x" * 101, None),
        (["2221"], None),
    ],
)
def test_a_taskid_is_one_short_printable_word(value: object, taskid: str | None) -> None:
    assert read_taskid(value) == taskid


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("6.0000", 6.0),
        (6, 6.0),
        ("0", 0.0),
        ("1e3", 1000.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        ("six", None),
        ("", None),
        (None, None),
        ([6], None),
    ],
)
def test_a_number_is_finite_and_not_negative_or_unknown(value: object, number: float | None) -> None:
    task = Task.from_payload(row("task_start", totalcost=value, elapsedseconds=value))
    assert task is not None
    assert (task.cost_usd, task.elapsed_seconds) == (number, number)


@pytest.mark.parametrize(
    ("payload", "output"),
    [
        (VIDEO, Output(VIDEO["url"], "0.mp4", "video/mp4", 202472)),
        ({"url": "http://x/"}, Output("http://x/")),
        ({"contenttype": "raw", "content": {"a": 1}}, Output(None, None, "raw", content={"a": 1})),
        ({"url": "https://x/", "size": "1e30", "name": 5, "contenttype": []}, Output("https://x/", "5")),
        ({"url": "https://x/", "name": "a\nb\x1b" + "x" * 999}, Output("https://x/", "a b " + "x" * 250 + "…")),
        ({"url": "ftp://x/"}, None),
        ({"text": "A lighthouse."}, Output(None, content="A lighthouse.")),
        ({"url": "https://x/ y"}, Output("https://x/%20y")),
        ({"url": "https://x/\n"}, Output("https://x/")),
        ({"url": "https://x/a\nb"}, None),
        ({"url": "https://x/\ud800"}, None),
        ({"url": "https://x/" + "y" * 8000}, None),
        ({"url": 5}, None),
        ({"content": {}}, None),
        ({}, None),
        (None, None),
        ("https://x/", Output("https://x/")),
        ("x", None),
    ],
)
def test_an_output_has_a_url_or_raw_content(payload: object, output: Output | None) -> None:
    assert Output.from_payload(payload) == output


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://cdn1.wiro.ai/a/my video.mp4", "https://cdn1.wiro.ai/a/my%20video.mp4"),
        ("https://cdn1.wiro.ai/a/my%20video.mp4", "https://cdn1.wiro.ai/a/my%20video.mp4"),
        (
            "https://cdn1.wiro.ai/50%/a b%2Fc.mp4?x=1%20 2#é",
            "https://cdn1.wiro.ai/50%25/a%20b%2Fc.mp4?x=1%20%202#%C3%A9",
        ),
        ("https://cdn1.wiro.ai/é列.mp4", "https://cdn1.wiro.ai/%C3%A9%E5%88%97.mp4"),
        ("https://münchen.example/a", "https://xn--mnchen-3ya.example/a"),
        ("HTTPS://cdn1.wiro.ai/0.mp4", "https://cdn1.wiro.ai/0.mp4"),
        ("Http://cdn1.wiro.ai/0.mp4", "http://cdn1.wiro.ai/0.mp4"),
        ("//cdn1.wiro.ai/0.mp4", "https://cdn1.wiro.ai/0.mp4"),
        (" https://cdn1.wiro.ai/0.mp4", "https://cdn1.wiro.ai/0.mp4"),
        ("https://cdn1.wiro.ai/0.mp4\r\n", "https://cdn1.wiro.ai/0.mp4"),
        ("https://cdn1.wiro.ai:8443/0.mp4?sig=a+b%2B&c[]=(1)", "https://cdn1.wiro.ai:8443/0.mp4?sig=a+b%2B&c[]=(1)"),
    ],
)
def test_the_address_of_a_paid_output_is_read_however_it_is_written(written: str, url: str) -> None:
    task = Task.from_payload(row("task_postprocess_end", outputs=[{"url": written}]))
    assert task is not None
    assert (task.outputs, task.unreadable, task.succeeded) == ((Output(url),), (), True)


UNREADABLE: list[tuple[object, str]] = [
    ([{"url": "ftp://cdn1.wiro.ai/0.mp4"}], '{"url": "ftp://cdn1.wiro.ai/0.mp4"}'),
    ([{"url": "https:///0.mp4", "accesskey": "dFKl", "size": "5"}], '{"url": "https:///0.mp4", "size": "5"}'),
    ([{"url": "https://ho st/0.mp4"}], '{"url": "https://ho st/0.mp4"}'),
    ([{"url": "https://[::1/0.mp4"}], '{"url": "https://[::1/0.mp4"}'),
    ([{"url": None, "files": [{"url": "https://x/"}]}], '{"files": "list"}'),
    ([{"name": "0.mp4"}], '{"name": "0.mp4"}'),
    ([[{"socketaccesstoken": "eDcC"}]], "list"),
    ("0.mp4", "0.mp4"),
    ({"name": "0.mp4"}, '{"name": "0.mp4"}'),
]


@pytest.mark.parametrize(("outputs", "shown"), UNREADABLE)
@pytest.mark.parametrize("pexit", [None, "0"])
def test_outputs_that_are_there_and_cannot_be_read_are_no_success_and_no_failure(
    outputs: object, shown: str, pexit: str | None
) -> None:
    task = Task.from_payload(row("task_postprocess_end", outputs=outputs, pexit=pexit))
    assert task is not None
    assert (task.outputs, task.unreadable) == ((), (shown,))
    assert (task.succeeded, task.illegible, task.charged) == (False, True, True)


@pytest.mark.parametrize("outputs", [[], None, "", {}, [None], [{}], [[]], [{"url": "", "content": {}, "size": None}]])
def test_nothing_is_not_an_output_that_cannot_be_read(outputs: object) -> None:
    task = Task.from_payload(row("task_postprocess_end", outputs=outputs))
    assert task is not None
    assert (task.outputs, task.unreadable, task.illegible, task.charged) == ((), (), False, False)


@pytest.mark.parametrize(
    ("status", "pexit", "outputs"),
    [
        ("task_cancel", "0", [{"name": "0.mp4"}]),
        ("task_start", None, [{"name": "0.mp4"}]),
        ("task_postprocess_end", "1", [{"name": "0.mp4"}]),
        ("task_postprocess_end", "0", [VIDEO, {"name": "1.mp4"}]),
    ],
)
def test_what_cannot_be_read_matters_only_where_it_is_all_that_a_success_has(
    status: str, pexit: str | None, outputs: object
) -> None:
    task = Task.from_payload(row(status, pexit=pexit, outputs=outputs))
    assert task is not None
    assert task.unreadable
    assert not task.illegible


def test_an_output_may_come_alone_without_its_list() -> None:
    task = Task.from_payload(row("task_postprocess_end", outputs=VIDEO))
    assert task is not None
    assert [output.url for output in task.outputs] == [VIDEO["url"]]


def test_of_many_that_cannot_be_read_ten_are_kept() -> None:
    task = Task.from_payload(row("task_postprocess_end", outputs=[{"name": "x" * 5000}] * 5000))
    assert task is not None
    assert len(task.unreadable) == 10
    assert max(map(len, task.unreadable)) <= 200


def test_more_outputs_than_are_read_are_not_taken_for_all() -> None:
    outputs = [{"url": f"https://cdn1.wiro.ai/{number}.png"} for number in range(MOST_OUTPUTS + 200)]
    task = Task.from_payload(row(COMPLETED, pexit="0", outputs=outputs))
    assert task is not None
    assert (len(task.outputs), task.unreadable) == (MOST_OUTPUTS, ("200 more, which are not read",))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"debugerror": "out of memory", "debugoutput": "x"}, "out of memory"),
        ({"debugerror": "", "debugoutput": "a\r\nb"}, "a b"),
        ({"debugerror": None, "debugoutput": None}, None),
        ({"debugerror": ["x"], "debugoutput": "\n"}, None),
        ({"debugerror": 0, "debugoutput": "x"}, "0"),
        ({"debugerror": "y" * 1000}, "y" * 299 + "…"),
    ],
)
def test_the_error_of_a_task_is_one_line(fields: dict[str, object], error: str | None) -> None:
    task = Task.from_payload(row("task_error", **fields))
    assert task is not None
    assert task.error == error
