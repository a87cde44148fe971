"""The ids that the emulator of the fixture ``wiro_emulator`` gives: others in each run of the tests."""

from __future__ import annotations

import os
import random

# Processes that share the tests of a run share them too: they are in the names of tests.
_drawn = random.SystemRandom().randrange(1_000_000, 10_000_000)
_first = int(os.environ.setdefault("WIRO_TESTS_FIRST_TASKID", str(_drawn)))
FIRST, SECOND = str(_first), str(_first + 1)
