"""The gallery in a browser, in the pages of a real Airflow."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from browsing import keep
from shown import RUN, Shown, many_generations

GALLERY = "wiro-ui/"
TILES = 12


def log_in(page: Page, shown: Shown, theme: str = "light") -> None:
    """Open Airflow, where everybody is an admin, with one of its themes."""
    page.context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.goto(shown.url())
    expect(page.get_by_role("link", name="Home").or_(page.get_by_text("Dags").first).first).to_be_visible(
        timeout=60_000
    )


def tile(where: Any, task_id: str) -> Any:
    return where.get_by_role("listitem").filter(has=where.get_by_role("link", name=re.compile(f"› {task_id}$")))


def standalone(page: Page, shown: Shown, query: str = "", theme: str = "light") -> None:
    log_in(page, shown, theme)
    page.goto(shown.url(f"{GALLERY}{query}"))
    expect(page.locator("#tiles")).to_have_attribute("aria-busy", "false", timeout=30_000)


def inside(page: Page) -> Any:
    """Return the page in Airflow's frame."""
    frame = page.frame_locator("iframe")
    expect(frame.locator("#tiles")).to_have_attribute("aria-busy", "false", timeout=60_000)
    return frame


def until(page: Page, video: Any, question: str) -> None:
    """Wait for it by asking again: the page's policy lets Playwright's own waiting evaluate nothing in it."""
    for _ in range(200):
        if video.evaluate(question):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not in 20 s: {question}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_in_airflows_navigation(page: Page, shown: Shown, theme: str) -> None:
    log_in(page, shown, theme)
    page.get_by_role("button", name="Browse").or_(page.get_by_text("Browse")).first.click()
    page.get_by_text("Wiro gallery").first.click()
    frame = inside(page)
    expect(frame.get_by_role("article")).to_have_count(TILES)
    expect(frame.locator("html")).to_have_attribute("data-theme", theme)
    expect(frame.locator("#totals")).to_contain_text("1 under way")
    expect(frame.locator("img").first).to_have_js_property("naturalWidth", 480, timeout=30_000)
    expect(frame.locator("video").first).to_have_js_property("readyState", 4, timeout=30_000)
    keep(page, "gallery", theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_tab_shows_what_it_belongs_to(page: Page, shown: Shown, theme: str) -> None:
    log_in(page, shown, theme)
    run = quote(RUN, safe="")
    page.goto(shown.url(f"dags/films/runs/{run}/tasks/poster/plugin/wiro-task-instance"))
    frame = inside(page)
    expect(frame.get_by_role("article")).to_have_count(1)
    expect(frame.locator("#scope")).to_have_text(f"films › {RUN} › poster")
    expect(frame.locator(".stage img")).to_have_js_property("naturalWidth", 480)
    frame.get_by_role("button", name="Output 2: 1.png").click()
    expect(frame.locator(".stage img")).to_have_js_property("complete", True)
    frame.get_by_role("button", name="Details").click()
    keep(page, "tab", theme)


@pytest.mark.parametrize(
    ("route", "count"), [("dags/films/plugin/wiro-dag", 11), ("dags/films/runs/RUN/plugin/wiro-dag-run", 11),
                         ("dags/films/tasks/opening/plugin/wiro-task", 1)]
)  # fmt: skip
def test_there_is_a_tab_at_dag_run_and_task(page: Page, shown: Shown, route: str, count: int) -> None:
    log_in(page, shown)
    page.goto(shown.url(route.replace("RUN", quote(RUN, safe=""))))
    expect(inside(page).get_by_role("article")).to_have_count(count)


def test_a_video_plays_from_a_private_bucket(page: Page, shown: Shown) -> None:
    standalone(page, shown)
    video = tile(page, "opening").locator("video")
    expect(video).to_have_attribute("src", re.compile(r"^media\?"))
    video.evaluate("video => { video.muted = true; return video.play(); }")
    until(page, video, "video => video.currentTime > 1")
    length = video.evaluate("video => video.duration")
    video.evaluate(f"video => {{ video.currentTime = {length - 0.5}; }}")
    until(page, video, "video => video.ended")


def test_a_video_of_the_emulated_wiro_plays(page: Page, shown: Shown) -> None:
    standalone(page, shown)
    video = tile(page, "trailer").locator("video")
    expect(video).to_have_attribute("src", re.compile("^http://127"))
    video.evaluate("video => { video.muted = true; return video.play(); }")
    until(page, video, "video => video.currentTime > 0.5")


def test_what_anybody_may_post_does_nothing(page: Page, shown: Shown) -> None:
    standalone(page, shown)
    hostile = tile(page, "hostile")
    expect(hostile.locator("h2")).to_contain_text("<script>")
    hostile.get_by_role("button", name="Details").click()
    expect(hostile.locator("a[href^='javascript' i], script, video, img, svg")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
    for number in range(4):
        where = f"dag_id=films&run_id={quote(RUN, safe='')}&task_id=hostile&output={number}"
        assert page.request.get(shown.url(f"{GALLERY}media?{where}")).status == 404


def test_an_odd_address_shows_what_there_is(page: Page, shown: Shown) -> None:
    standalone(page, shown, "?day=abc&page=x")
    expect(page.get_by_role("article")).to_have_count(TILES)


def test_ages_grow_while_a_page_is_open(page: Page, shown: Shown) -> None:
    page.clock.install()
    standalone(page, shown)
    age = tile(page, "poster").locator("time")
    expect(age).to_contain_text("minutes ago")
    page.clock.fast_forward(3_600_000)
    expect(age).to_have_text("1 hour ago")


def test_what_cannot_be_played_says_so(page: Page, shown: Shown) -> None:
    standalone(page, shown)
    expect(tile(page, "expired")).to_contain_text("its link has expired")
    expect(tile(page, "storyboard")).to_contain_text("gallery_roots: s3://private/2026/5/0.mp4")
    expect(tile(page, "refused")).to_contain_text("Flagged by moderation")
    expect(tile(page, "script").locator("pre")).to_contain_text("INT. LIGHTHOUSE")
    expect(tile(page, "waiting")).to_contain_text("Waiting in the triggerer")
    long = tile(page, "long").locator("h2")
    assert long.evaluate("title => title.getBoundingClientRect().height") < 80
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_filters_and_totals(page: Page, shown: Shown) -> None:
    standalone(page, shown)
    page.get_by_label("Model").select_option("black-forest-labs/flux-2-pro")
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.locator("#totals")).to_have_text("1 generation · together $0.039")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("article")).to_have_count(TILES)
    page.get_by_label("Outcome").select_option("under_way")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_label("Outcome").select_option("any_failure")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("DAG").select_option("teasers")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_label("Day").fill("2020-01-01")
    expect(page.locator("#message")).to_have_text("Nothing fits these filters.")


def test_five_thousand_generations_are_paged_through(page: Page, shown: Shown) -> None:
    with many_generations(shown, 5000):
        standalone(page, shown, "?dag_id=archive")
        expect(page.locator("#totals")).to_have_text("5,000 generations · together $50.00")
        expect(page.locator("#position")).to_have_text("1–24 of 5,000")
        page.get_by_role("button", name="Older").click()
        expect(page.locator("#position")).to_have_text("25–48 of 5,000")
        expect(page.get_by_role("article")).to_have_count(24)
        last = page.request.get(shown.url(f"{GALLERY}generations?dag_id=archive&page=208")).json()
        assert (last["first"], len(last["generations"]), last["more"]) == (4993, 8, False)


def test_a_link_leads_to_the_task_instance(page: Page, shown: Shown) -> None:
    log_in(page, shown)
    page.goto(shown.url("dags/films/plugin/wiro-dag"))
    inside(page).get_by_role("link", name="films › opening").click()
    expect(page).to_have_url(re.compile(r"/airflow/dags/films/runs/manual__[^/]*/tasks/opening"))


def test_the_extra_link_leads_to_the_gallery(page: Page, shown: Shown) -> None:
    log_in(page, shown)
    page.goto(shown.url(f"dags/films/runs/{quote(RUN, safe='')}/tasks/trailer/details"))
    link = page.get_by_role("link", name="Wiro gallery")
    expect(link).to_be_visible(timeout=30_000)
    href = link.evaluate("link => link.href")
    page.goto(href)
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.locator("#scope")).to_have_text(f"films › {RUN} › trailer")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_screen_reader_can_read_it(page: Page, shown: Shown, theme: str) -> None:
    standalone(page, shown, theme=theme)
    tile(page, "poster").get_by_role("button", name="Details").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_can_be_used_without_a_mouse(page: Page, shown: Shown) -> None:
    standalone(page, shown)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the generations")).to_be_focused()
    page.keyboard.press("Enter")
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName"))
    assert {"A", "BUTTON", "VIDEO"} <= seen


def test_who_is_not_logged_in_is_told_so(page: Page, shown: Shown) -> None:
    page.route("**/generations?*", lambda route: route.fulfill(status=401, json={"detail": "Not authenticated"}))
    log_in(page, shown)
    page.goto(shown.url(GALLERY))
    expect(page.get_by_role("alert")).to_contain_text("not logged in")
