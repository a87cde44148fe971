"""The ids that the emulator of the fixture ``wiro_emulator`` gives: others in each run of the tests."""

from __future__ import annotations

import random

_first = random.SystemRandom().randrange(1_000_000, 10_000_000)
FIRST, SECOND = str(_first), str(_first + 1)
