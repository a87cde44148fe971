"""The connection form of Airflow 2 in a browser: its labels, and its button that tests what stands in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from airflow_harness.real_airflow import RealAirflow
from airflow_provider_wiro.emulator import WiroEmulator
from browsing import PLACEHOLDERS, keep

PATIENCE = 400


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    """An Airflow without DAGs, whose web server takes everybody for an admin."""
    made = RealAirflow(tmp_path_factory.mktemp("old-home"), {}, dags=(), settings={"core.test_connection": "Enabled"})
    try:
        made.start(PATIENCE)
        yield made
    finally:
        made.stop()


def test_a_connection_is_tested_and_saved(page: Page, airflow: RealAirflow) -> None:
    page.goto(f"{airflow.api.root}/connection/add")
    page.locator("#conn_id").fill("wiro_by_hand")
    page.locator("#conn_type").select_option("wiro", force=True)
    for label, placeholder in PLACEHOLDERS.items():
        expect(page.get_by_label(label, exact=True)).to_have_attribute("placeholder", placeholder)
    for hidden in ("Schema", "Port"):
        expect(page.get_by_label(hidden, exact=True)).to_be_hidden()
    keep(page, "connection-2.11", "light")
    with WiroEmulator() as wiro:
        for label, name in (("Base URL", "host"), ("API key", "login"), ("API secret", "password")):
            page.get_by_label(label, exact=True).fill(wiro.connection[name])
        page.get_by_role("button", name="Test").click()
        expect(page.get_by_text("Wiro accepts the credentials.")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Added Row")).to_be_visible(timeout=60_000)
    saved = airflow.api.call("GET", "/connections/wiro_by_hand")
    assert (saved["conn_type"], saved["host"]) == ("wiro", wiro.connection["host"])
