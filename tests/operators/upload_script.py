"""Runs one operator that uploads a file, in a process of its own.

python upload_script.py FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from doubles import FakeTaskInstance, context_of
from operators import generic

operator = generic(files={"image": sys.argv[1]})
result = operator.execute(context_of(FakeTaskInstance()))
print(f"ended with {result['taskid']}", flush=True)  # noqa: T201
