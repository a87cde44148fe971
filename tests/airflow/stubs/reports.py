"""What the DAGs of the tests write down; the folder is on the Python path of every Airflow process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def report(context: Any) -> None:
    """An on_failure_callback that writes down what it sees."""
    seen: list[BaseException] = []
    error: BaseException | None = context["exception"]
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    told = {
        "message": str(seen[0]) if seen else "",
        "classes": [kind.__name__ for kind in type(seen[0]).__mro__] if seen else [],
        "chain": [kind.__name__ for one in seen for kind in type(one).__mro__],
    }
    conf, run_id = context["dag_run"].conf, context["dag_run"].run_id
    (Path(conf["reports"]) / f"{run_id}.json").write_text(json.dumps(told))
