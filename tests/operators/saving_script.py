"""Runs one operator that saves, in a process of its own.

python saving_script.py FOLDER [delete]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from doubles import FakeTaskInstance, context_of
from operators import runway

runway(save_to=sys.argv[1], delete_after_save="delete" in sys.argv).execute(context_of(FakeTaskInstance()))
