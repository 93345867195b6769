"""The page in a real browser: what a person sees of a worker's numbers, while they change and when they stop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from board_desk import Desk, Served
from supportpulse.edges.board_server import BoardServer
from supportpulse.edges.board_watch import Stage, Watch

pytestmark = pytest.mark.ui

WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 360, "height": 740}
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)


class Shown:
    """A desk, its worker, the board that watches it, and pages that look at the board."""

    def __init__(self, browser: Browser, server: BoardServer, desk: Desk, worker: Served) -> None:
        self.server, self.desk, self.worker = server, desk, worker
        self._browser = browser
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._contexts: list[BrowserContext] = []

    def page(self, viewport: Any = WIDE, **how: Any) -> Page:
        """A new window with the board; its errors and requests are kept."""
        context = self._browser.new_context(viewport=viewport, **how)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(self.server.address)
        expect(page.locator("#live-text")).to_contain_text("live")
        return page

    def close(self) -> None:
        """All windows."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def shown(browser: Browser) -> Iterator[Shown]:
    """Two scenarios: one with two breaches of six tickets, one with none."""
    desk = Desk()
    desk.tickets("live_show", answered=4, breached=2)
    desk.tickets("overseas", answered=3)
    worker = Served(desk.metrics())
    stage = Stage([worker.url])
    with BoardServer(stage, "127.0.0.1", 0) as server, Watch(stage):
        shown = Shown(browser, server, desk, worker)
        yield shown
        shown.close()
    worker.stop()


def row(page: Page, scenario: str, clock: str) -> list[str]:
    """The cells of a line of the table of clocks."""
    line = page.locator("#clocks tbody tr").filter(has_text=scenario).filter(has_text=re.compile(f"^.*{clock}"))
    expect(line).to_have_count(1)
    return [text.strip() for text in line.locator("td, th").all_inner_texts()]


def test_the_page_shows_the_workers_numbers(shown: Shown) -> None:
    """Scenario cards worst first, the table, plots with words of their own, and the command to the tickets."""
    page = shown.page()
    expect(page.locator("#scenario-cards h3")).to_have_text(["live show", "overseas"])
    card = page.locator("#scenario-cards article").first
    expect(card).to_contain_text("20.0% ▲▲")
    expect(card).to_contain_text("2 of 10")
    expect(card.locator("svg").last).to_have_attribute("aria-label", re.compile(r"1h 20\.0% of 10\.0% allowed"))
    cells = row(page, "live show", "first response")
    assert cells[0] == "live show"
    assert cells[2:6] == ["33.3% ▲▲", "33.3% ▲▲", "–", "10.0%"]
    assert cells[6:10] == ["2", "0", "2", "2 / 0"]
    expect(page.locator("#worst code").first).to_have_text(
        f"supportpulse tickets --state overdue --scenario live_show --clock first_response --url {shown.worker.url}"
    )
    expect(page.locator("#health")).to_contain_text("1 of 1 up")
    expect(page).to_have_title("(1) supportpulse")


def test_it_changes_by_itself(shown: Shown) -> None:
    """New breaches appear without a reload, and what has the focus keeps it."""
    page = shown.page()
    page.evaluate("window.notReloaded = true")
    button = page.locator("#worst button").first
    button.focus()
    shown.desk.tickets("live_show", breached=2)
    shown.worker.text = shown.desk.metrics()
    expect(page.locator("#scenario-cards article").first).to_contain_text("4 of 12")
    expect(button).to_be_focused()
    assert page.evaluate("window.notReloaded")
    expect(page.locator("#scenario-cards article").first.locator("svg").first.locator(".series")).to_have_count(1)


def test_a_worker_that_goes_is_said_plainly_and_again_when_it_is_back(shown: Shown) -> None:
    """The banner names it and since when; the last numbers stay, visibly old."""
    page = shown.page()
    expect(page.locator("#banner")).to_be_hidden()
    shown.worker.stop()
    expect(page.locator("#banner")).to_contain_text(f"No answer from worker {shown.worker.url} since")
    expect(page.locator("#banner")).to_contain_text("Connection refused")
    expect(page.locator("#live-text")).to_have_text("not live")
    expect(page.locator("body")).to_have_class("stale")
    expect(page.locator("#scenario-cards article").first).to_contain_text("2 of 10")
    shown.worker.start()
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#live-text")).to_contain_text("live, numbers of")


def test_a_board_that_goes_is_said_and_it_reconnects_by_itself(browser: Browser) -> None:
    """The page notices within seconds, and shows the numbers of a board that is started again on the same port."""
    worker = Served(Desk().metrics())
    page = browser.new_context(viewport=WIDE).new_page()
    stage = Stage([worker.url])
    with BoardServer(stage, "127.0.0.1", 0) as server, Watch(stage):
        port = server.port
        page.goto(server.address)
        expect(page.locator("#live-text")).to_contain_text("live,")
    expect(page.locator("#banner")).to_contain_text("No answer from this board since")
    again = Stage([worker.url])
    with BoardServer(again, "127.0.0.1", port), Watch(again):
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.locator("#live-text")).to_contain_text("live,")
        page.context.close()
    worker.stop()


def test_doubtful_health_is_told_by_words_too(shown: Shown) -> None:
    """A stale source is not told by a colour alone."""
    page = shown.page()
    shown.worker.text = shown.desk.metrics(stale=True)
    sources = page.locator("#health li").filter(has_text="sources")
    expect(sources).to_contain_text("✕ 1 of 1 stale (bad)their deadlines are held: desk")


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(shown: Shown, scheme: str) -> None:
    """Every text has a contrast of 4.5 to its background (WCAG AA), and the two schemes differ."""
    page = shown.page(color_scheme=scheme)
    assert (luminance(page.evaluate(BACKGROUND)) > 0.5) is (scheme == "light")
    pairs = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility() &&
            [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())).map((node) => {
          let behind = node;
          const back = (one) => getComputedStyle(one).backgroundColor;
          while (behind.parentElement && back(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
          const style = getComputedStyle(node);
          const colour = node instanceof SVGElement ? style.fill : style.color;
          return [node.textContent.trim().slice(0, 40), colour, back(behind)];
        })"""
    )
    assert len(pairs) > 80
    for text, colour, behind in pairs:
        lighter, darker = sorted((luminance(colour), luminance(behind)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, colour, behind)


def test_a_phone_scrolls_down_only(shown: Shown) -> None:
    """At 360 pixels nothing is wider than the screen; the table becomes cards that name their numbers."""
    page = shown.page(PHONE, is_mobile=True, has_touch=True)
    expect(page.locator("#clocks tbody tr")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    outside = page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > 361 &&
            !one.closest(".unseen, thead")).map((one) => one.outerHTML)"""
    )
    assert outside == []
    label = page.locator("#clocks tbody td").nth(1).evaluate("(one) => getComputedStyle(one, '::before').content")
    assert label == '"last hour"'
    buttons = page.locator("button:visible").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert min(buttons) >= 32


def test_nothing_is_asked_of_others_and_nothing_is_complained_of(shown: Shown) -> None:
    """All requests go to the board; the console stays empty under its strict content policy."""
    page = shown.page()
    page.wait_for_timeout(1500)
    assert shown.complaints == []
    assert {url.removeprefix(shown.server.address) for url in shown.asked} >= {
        "/",
        "/board.css",
        "/board.js",
        "/events",
    }
    assert all(url.startswith(f"{shown.server.address}/") for url in shown.asked)


def test_the_keyboard_reaches_everything(shown: Shown) -> None:
    """First the way past the top, then each button and the choice of scenario, in order and visibly."""
    page = shown.page()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        place = page.evaluate("[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]")
        if place[0] == "BODY":
            break
        assert place[1] == "solid"
        reached.append(place[0])
    assert reached.count("BUTTON") == page.locator("button:visible").count() == 5
    assert reached.count("SELECT") == 1


def test_a_scenario_can_be_chosen(shown: Shown) -> None:
    """The table then has its clocks alone, and stays so when numbers change."""
    page = shown.page()
    expect(page.locator("#clocks tbody tr")).to_have_count(4)
    page.select_option("#choice", "overseas")
    expect(page.locator("#clocks tbody td.scenario")).to_have_text(["overseas"] * 2)
    shown.desk.tickets("live_show", breached=1)
    shown.worker.text = shown.desk.metrics()
    expect(page.locator("#scenario-cards article").first).to_contain_text("3 of 11")
    expect(page.locator("#clocks tbody td.scenario")).to_have_text(["overseas"] * 2)


def test_a_command_is_copied(shown: Shown) -> None:
    """Into the clipboard, and a screen reader hears of it."""
    page = shown.page(permissions=["clipboard-read", "clipboard-write"])
    wanted = page.locator("#worst code").first.inner_text()
    page.locator("#worst button").first.click()
    expect(page.locator("#said")).to_have_text(f"Copied: {wanted}")
    assert page.evaluate("navigator.clipboard.readText()") == wanted


def test_the_page_has_the_structure_a_screen_reader_needs(shown: Shown) -> None:
    """Names for every plot and section, a caption and scoped headings for the table, one heading of the first order."""
    page = shown.page()
    expect(page.locator("#clocks tbody tr").first).to_be_visible()
    assert page.locator("h1").count() == 1
    assert page.locator("svg:not([role=img]), svg:not([aria-label])").count() == 0
    assert page.locator("section:not([aria-labelledby])").count() == 0
    assert page.locator("#clocks caption").count() == 1
    assert page.locator("#clocks thead th:not([scope=col])").count() == 0
    assert page.locator("#clocks tbody tr:not(:has(th[scope=row]))").count() == 0
    assert page.locator("button:not([aria-label]):visible").count() == 0
    assert page.locator("#banner").get_attribute("role") == "alert"
