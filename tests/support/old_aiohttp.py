"""What older releases of aiohttp cannot do."""

from __future__ import annotations

import aiohttp
import pytest
from packaging.version import Version


def skip_where_aiohttp_has_no_bound(fault: str) -> None:
    """Skip a flood of headers where it would fill the memory, and hold the interpreter while it is freed."""
    if fault == "header_flood" and Version(aiohttp.__version__) < Version("3.13.4"):
        pytest.skip("aiohttp before 3.13.4 takes headers without end")
