"""A real Airflow below a sub-path, an emulated Wiro, a private bucket, and Chromium; `scripts/browser` runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("WIRO_BROWSER", "")
OF_AIRFLOW_2 = "test_old_form.py"
# Each of its pages that has no form to log in does so.
AIRFLOW_2_FAILS = "Cannot set properties of undefined (setting 'autocomplete')"
# In milliseconds: on a busy machine a page of 5,000 generations takes its time.
PATIENCE = 30_000
# Not among all other tests: they need a browser.
if not CHROMIUM:
    collect_ignore_glob = ["test_*.py"]
elif AIRFLOW_V_3_0_PLUS:
    collect_ignore_glob = [OF_AIRFLOW_2]
else:
    collect_ignore_glob = [path.name for path in HERE.glob("test_*.py") if path.name != OF_AIRFLOW_2]

sys.path.insert(0, str(HERE.parent / "airflow"))
sys.path.insert(0, str(HERE))

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from shown import Shown


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The Airflow, with all that the pages show."""
    from shown import showing

    with showing(tmp_path_factory.mktemp("browser-home")) as there:
        yield there


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Any]:
    """A page whose scripts may neither fail nor break the content security policy, but for what is Airflow's own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    made = context.new_page()
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield made
    context.close()
    assert [said for said in wrong if said != AIRFLOW_2_FAILS] == []
