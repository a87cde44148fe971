"""Strategies for what a server may answer: anything at all, and answers that are almost right."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from airflow_provider_wiro.core.protocol import NoReply, Reply
from fake_driver import VIDEO, Outcome

TOKEN = "eDcCm5yyUfIvMFspTwww49OUfgXkQt"

STATUSES = [
    *("task_postprocess_end", "task_postprocess_end", "task_cancel", "task_queue", "task_start", "task_error"),
    *("task_end", "task_new", "task_postprocess_end ", "task_postprocess_end\x00", "task_\x1b[2Jx", "task_\ud800"),
]
# Lone surrogates and control characters included.
words = st.text(st.characters(), max_size=20)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**40), 2**63, 0, 1]),
    st.floats(),
    words,
    st.sampled_from(["0", "1", "", " ", "None", "2221", "0\n", "x" * 5000, *STATUSES]),
)


def _nested(depth: int) -> list[Any]:
    item: list[Any] = []
    for _ in range(depth):
        item = [item]
    return item


anything: st.SearchStrategy[Any] = st.one_of(
    st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
        max_leaves=8,
    ),
    st.sampled_from([50, 400, 800]).map(_nested),
)


def almost(right: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return dicts with the *right* values, of which some are missing or something else."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(value, value, value, anything) for name, value in right.items()}
    )


outputs = st.one_of(
    almost({"url": st.just(VIDEO["url"]), "name": words, "size": st.just("5"), "content": anything}),
    anything,
)
rows = almost(
    {
        "id": st.sampled_from(["2221", "2221", 2221, "7"]),
        "status": st.sampled_from(STATUSES),
        "pexit": st.sampled_from(["0", "0", "1", "", None, 0, False, "0 ", "0\x00"]),
        "outputs": st.lists(outputs, max_size=3),
        "debugerror": words,
        "debugoutput": st.just("line\n" * 200),
        "totalcost": scalars,
        "elapsedseconds": scalars,
    }
).map(lambda row: row | {"socketaccesstoken": TOKEN})
errors = st.lists(
    st.one_of(almost({"code": st.sampled_from([0, 1, 96, 97, 98]), "message": words}), anything), max_size=2
)
replies = st.one_of(
    almost(
        {
            "result": st.just(True),
            "errors": st.just([]),
            "tasklist": st.lists(st.one_of(rows, rows, anything), min_size=1, max_size=3),
        }
    ),
    almost({"result": st.just(False), "errors": errors, "taskid": st.sampled_from([None, "", 0])}),
    almost({"result": st.just(True), "taskid": st.sampled_from(["2221", 2221])}).map(
        lambda body: body | {"socketaccesstoken": TOKEN}
    ),
    anything,
)
bodies = st.one_of(
    replies.map(lambda body: json.dumps(body).encode()),
    replies.map(lambda body: json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.tuples(replies, st.integers(1, 200)).map(lambda cut: json.dumps(cut[0]).encode()[: cut[1]]),
    st.binary(max_size=50),
    st.sampled_from(
        [
            b"[" * 200_000,
            b'{"errors":' * 990,
            b"9" * 9000,
            b'{"result":false,"errors":' + b"[" * 950 + b"]" * 950 + b"}",
        ]
    ),
)
statuses = st.sampled_from(
    [200, 200, 200, 200, 201, 204, 301, 302, 400, 401, 403, 404, 422, 429, 500, 502, 599, 100, 999]
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Reply.from_http, statuses, bodies, st.one_of(st.none(), words, st.sampled_from(["0", "7", "1e9"]))),
    st.builds(Reply.from_http, st.just(200), bodies),
    st.builds(NoReply, st.booleans(), st.sampled_from(["refused", "reset"])),
)
events = almost(
    {
        "version": st.just(1),
        "taskid": st.just("2221"),
        "verdict": st.sampled_from(
            ["success", "failed", "cancelled", "stuck", "timeout", "gave_up", "not_found", "elsewhere"]
        ),
        "status": st.sampled_from(STATUSES),
        "reason": words,
        "stopped": st.sampled_from([True, False, None]),
        "result": st.one_of(
            st.none(),
            almost(
                {
                    "taskid": st.just("2221"),
                    "status": st.just("task_postprocess_end"),
                    "outputs": st.lists(almost({"url": words}), max_size=2),
                    "cost_usd": scalars,
                    "elapsed_seconds": scalars,
                }
            ),
        ),
    }
)
