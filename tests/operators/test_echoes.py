"""Wiro shows the inputs of a lost submission a little differently: that is never taken for "nothing was accepted"."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown
from operators import generic, runway
from tries import run_try

pytestmark = pytest.mark.usefixtures("journal_folder")

ECHOES: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "trimmed": (runway, {"prompt": "a cat\n"}, {"prompt": "a cat"}),
    "other line ends": (runway, {"prompt": "a\r\ncat"}, {"prompt": "a\ncat"}),
    "the seed that was drawn": (runway, {}, {"seed": 8431}),
    "another yes": (generic, {"inputs": {"prompt": "x", "loop": True}}, {"loop": "1"}),
}


@pytest.mark.parametrize(("make", "arguments", "shown"), ECHOES.values(), ids=ECHOES)
def test_it_is_a_persons_case_and_not_paid_again(
    wiro_emulator: WiroEmulator, make: Any, arguments: dict[str, Any], shown: dict[str, Any]
) -> None:
    wiro_emulator.outcome(rewritten=shown, times=-1)
    wiro_emulator.script("Run", "drop_after")
    with pytest.raises(WiroSubmissionUnknown, match="may be one of these"):
        run_try(make, **arguments)
    assert len(wiro_emulator.runs) == 1
