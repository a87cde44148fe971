"""What the tests on all versions of Airflow use: the form's labels, and screenshots."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

IMAGES = Path(os.environ["WIRO_BROWSER_IMAGES"])
PLACEHOLDERS = {
    "Base URL": "https://api.wiro.ai/v1",
    "API key": "from the project's page in the Wiro dashboard",
    "API secret": "empty for a project that uses the API key alone",
}


def keep(page: Page, name: str, theme: str) -> None:
    """Make a screenshot for the docs."""
    page.wait_for_timeout(1500)
    IMAGES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=IMAGES / f"{name}-{theme}.png")
