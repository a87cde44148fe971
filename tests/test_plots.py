"""The pictures in docs/performance.md show what its tables say."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "performance.md").read_text()


def load() -> Any:
    spec = spec_from_file_location("plots", ROOT / "benchmarks" / "plots.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["plots"] = module_from_spec(spec)  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


plots = load()


@pytest.mark.parametrize("plot", plots.PLOTS, ids=lambda plot: plot.name)
def test_a_picture_shows_its_table_as_it_is(plot: Any) -> None:
    assert (ROOT / "docs" / "_static" / f"{plot.name}.svg").read_text() == plots.drawn(plot, PAGE)
    assert f"](_static/{plot.name}.svg)" in PAGE


def test_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no table 'way'"):
        plots.rows_of(plots.PLOTS[2], "# Nothing\n")
