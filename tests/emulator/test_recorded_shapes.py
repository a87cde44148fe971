"""The emulator's answers have each field, of its type, that the model's page and the documentation show."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import RUNWAY, Client

from airflow_provider_wiro.emulator import WiroEmulator

TEXT, TRUE, NOTHING = "text", True, None

# Of the model's page.
OUTPUT = dict.fromkeys(
    ("id", "name", "contenttype", "parentid", "uuid", "size", "addedtime", "modifiedtime", "accesskey", "url"), TEXT
)
DETAIL_ROW: dict[str, Any] = {
    **dict.fromkeys(("id", "uuid", "socketaccesstoken", "debugoutput", "debugerror", "status", "elapsedseconds"), TEXT),
    **dict.fromkeys(("createtime", "canceltime", "assigntime", "accepttime", "starttime", "endtime"), TEXT),
    **dict.fromkeys(("preprocessstarttime", "preprocessendtime", "postprocessstarttime", "postprocessendtime"), TEXT),
    "parameters": {},
    "size": TEXT,
    "outputs": [OUTPUT],
}
STOPPED_ROW: dict[str, Any] = {
    **DETAIL_ROW,
    **dict.fromkeys(
        ("name", "cps", "totalcost", "projectid", "modelid", "description", "basemodelid", "runtype"), TEXT
    ),
    **dict.fromkeys(("modelfolderid", "modelfileid", "callbackurl", "pexit", "categories"), TEXT),
    "guestid": NOTHING,
    "marketplaceid": NOTHING,
    "outputs": [],
}
RUN = {"errors": [], "taskid": TEXT, "socketaccesstoken": TEXT, "result": TRUE}
DETAIL = {"total": TEXT, "errors": [], "tasklist": [DETAIL_ROW], "result": TRUE}
STOP = {"errors": [], "tasklist": [STOPPED_ROW], "result": TRUE}

# Of the documentation.
DOCUMENTED_ROW = {
    **dict.fromkeys(("id", "socketaccesstoken", "status", "pexit", "debugoutput", "starttime", "endtime"), TEXT),
    **dict.fromkeys(("elapsedseconds", "totalcost", "modeldescription", "modelslugowner", "modelslugproject"), TEXT),
    "parameters": {"prompt": TEXT},
    "outputs": [{"contenttype": TEXT, "content": {"prompt": TEXT, "raw": TEXT, "thinking": [], "answer": [TEXT]}}],
}
TEXT_DETAIL = {"result": TRUE, "errors": [], "total": TEXT, "tasklist": [DOCUMENTED_ROW]}
LISTED_MODEL = {
    **dict.fromkeys(("id", "title", "slugowner", "slugproject", "cleanslugowner", "cleanslugproject"), TEXT),
    **dict.fromkeys(("description", "image", "computingtime", "onlymembers", "averagepoint", "commentcount"), TEXT),
    "categories": [TEXT],
    "tags": [],
    "marketplace": 1,
    "dynamicprice": TEXT,
    "taskstat": {"runcount": 1, "successcount": TEXT, "errorcount": TEXT, "lastruntime": TEXT},
}
MODEL = {
    **LISTED_MODEL,
    **dict.fromkeys(("readme", "ratedusercount", "seotitle", "seodescription"), TEXT),
    "parameters": [{"title": TEXT, "items": [{"id": TEXT, "type": TEXT, "label": TEXT, "required": TRUE}]}],
    "inspire": [],
    "samples": [],
}
UPLOADED = dict.fromkeys(
    ("id", "name", "contenttype", "size", "parentid", "url", "addedtime", "accesskey"),
    TEXT,
)
EXPLORED = {
    **dict.fromkeys(("id", "cleanslugowner", "cleanslugproject", "image", "description"), TEXT),
    **dict.fromkeys(("commentcount", "ratedusercount", "averagepoint"), TEXT),
    "categories": [TEXT],
}
REFUSAL = {"result": False, "errors": [{"code": 1, "message": TEXT}]}


def lacks(shape: Any, answer: Any, place: str = "") -> list[str]:
    """Return what *answer* has not, or has of another type, of what *shape* has; further fields are welcome."""
    if type(shape) is not type(answer):
        return [f"{place or 'the answer'} is {answer!r}"]
    if isinstance(shape, dict):
        missing = [f"{place}.{name} is missing" for name in shape if name not in answer]
        return missing + [
            lack for name in shape if name in answer for lack in lacks(shape[name], answer[name], f"{place}.{name}")
        ]
    if isinstance(shape, list) and shape:
        empty = [] if answer else [f"{place} is empty"]
        return empty + [lack for item in answer for lack in lacks(shape[0], item, f"{place}[]")]
    return []


def answers(wiro: Client, emulator: WiroEmulator) -> dict[str, tuple[Any, Any]]:
    """Return, of each call, the shape and the answer."""
    run, text = wiro.post(RUNWAY, prompt="x", inputImageUrl="a.png"), wiro.post("/Run/openai/gpt-5-2", prompt="x")
    queued = wiro.post("/Task/Cancel", taskid=wiro.run())
    to_kill = wiro.run()
    emulator.advance(30)
    killed = wiro.post("/Task/Kill", taskid=to_kill)
    emulator.advance(31)
    return {
        "Run": (RUN, run),
        "Task/Detail": (DETAIL, wiro.post("/Task/Detail", taskid=run["taskid"])),
        "Task/Detail of a text model": (TEXT_DETAIL, wiro.post("/Task/Detail", tasktoken=text["socketaccesstoken"])),
        "Task/List": (
            DETAIL | {"tasklist": [DETAIL_ROW | {"outputs": []}]},
            wiro.post("/Task/List", type="model", start="0", limit="20"),
        ),
        "Task/Kill": (STOP, killed),
        "Task/Cancel": (STOP, queued),
        "Tool/List": ({"result": TRUE, "errors": [], "total": 2, "tool": [LISTED_MODEL]}, wiro.post("/Tool/List")),
        "Tool/Detail": (
            {"result": TRUE, "errors": [], "tool": [MODEL]},
            wiro.post("/Tool/Detail", slugowner="openai", slugproject="gpt-5-2"),
        ),
        "Tool/Explore": (
            {"result": TRUE, "errors": [], "explore": [{"id": TEXT, "title": TEXT, "tools": [EXPLORED]}]},
            wiro.post("/Tool/Explore"),
        ),
        "Task/InputOutputDelete": (
            {"result": TRUE, "errors": []},
            wiro.post("/Task/InputOutputDelete", tasktoken=run["socketaccesstoken"]),
        ),
        "File/Upload": (
            {"result": TRUE, "errors": [], "list": [UPLOADED]},
            wiro.send("/File/Upload", files={"file": ("a.png", b"x", "image/png")}).json(),
        ),
        "a refusal": (REFUSAL, wiro.post("/Task/Detail", taskid="1")),
    }


def test_each_answer_has_what_is_recorded_of_it(wiro: Client, emulator: WiroEmulator) -> None:
    for call, (shape, answer) in answers(wiro, emulator).items():
        no_price = [".tool[].dynamicprice is None"]  # a model without dynamic prices
        assert [lack for lack in lacks(shape, answer) if lack not in no_price] == [], call


@pytest.mark.parametrize(
    ("shape", "answer", "lacking"),
    [
        ({"a": TEXT}, {"a": "x", "b": 1}, []),
        ({"a": TEXT}, {}, [".a is missing"]),
        ({"a": TEXT}, {"a": 1}, [".a is 1"]),
        ([{"a": TEXT}], [], [" is empty"]),
        ([{"a": TEXT}], [{"a": "x"}, {}], ["[].a is missing"]),
        (TRUE, 1, ["the answer is 1"]),
    ],
)
def test_the_comparison_sees_what_is_missing(shape: Any, answer: Any, lacking: list[str]) -> None:
    assert lacks(shape, answer) == lacking
