"""Airflow's connection form in a browser: its labels, and the button that tests what is saved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browsing import PLACEHOLDERS, keep
from shown import Shown
from test_gallery import log_in


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_connection_is_saved_and_tested(page: Page, shown: Shown, theme: str) -> None:
    wiro = json.loads(shown.airflow.env["AIRFLOW_CONN_WIRO_DEFAULT"])
    conn_id = f"wiro_{theme}"
    log_in(page, shown, theme)
    page.goto(shown.url("connections"))
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Connection ID").fill(conn_id)
    form.get_by_role("combobox", name="Connection Type").fill("Wiro")
    page.get_by_role("option", name="Wiro", exact=True).click()
    for label, placeholder in PLACEHOLDERS.items():
        expect(form.get_by_label(label)).to_have_attribute("placeholder", placeholder)
    keep(page, "connection", theme)
    for label, name in (("Base URL", "host"), ("API key", "login"), ("API secret", "password")):
        form.get_by_label(label).fill(wiro[name])
    form.get_by_role("button", name="Save").click()
    assert told_of(page, conn_id) == {"status": True, "message": "Wiro accepts the credentials."}


def told_of(page: Page, conn_id: str) -> Any:
    """Press the button, and return what Airflow is told."""
    button = page.get_by_role("row", name=conn_id).get_by_role("button", name="Test Connection")
    with page.expect_response("**/connections/test") as answered:
        button.click(timeout=30_000)
    return answered.value.json()
