"""Pictures of the page for the README, of a real demo inside its outage: `make pictures-board`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from chromium import ARGUMENTS, chromium

DEMO = [sys.executable, "-m", "supportpulse", "demo", "--events", "40000"]
PICTURES: dict[str, dict[str, Any]] = {
    "board": {"viewport": {"width": 1200, "height": 1262}, "color_scheme": "light"},
    "board-dark": {"viewport": {"width": 1200, "height": 1262}, "color_scheme": "dark"},
    "board-phone": {"viewport": {"width": 360, "height": 1480}, "color_scheme": "light", "is_mobile": True},
}
STARTED_SECONDS, LIVE_SECONDS, WATCHED_SECONDS = 120, 600, 40


def main(folder: Path) -> None:
    """Start a demo, wait until it has been live for a while, and draw what the page shows then."""
    path = chromium()
    if path is None:
        sys.exit("no Chromium: install it (Debian: apt-get install chromium), or name one in $CHROMIUM")
    folder.mkdir(parents=True, exist_ok=True)
    demo = subprocess.Popen(DEMO, stdout=subprocess.PIPE, text=True)
    try:
        address = said(demo, "board: ", STARTED_SECONDS)
        said(demo, "live: the first event", LIVE_SECONDS)
        time.sleep(WATCHED_SECONDS)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            for name, how in PICTURES.items():
                draw(browser, address, folder / f"{name}.png", how)
            browser.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def said(demo: subprocess.Popen[str], start: str, seconds: float) -> str:
    """The rest of the first line of its output that starts so."""
    assert demo.stdout is not None
    deadline = time.monotonic() + seconds
    for line in demo.stdout:
        if line.startswith(start):
            return line.removeprefix(start).strip()
        if time.monotonic() > deadline:
            break
    sys.exit(f"the demo did not say {start!r} within {seconds} s")


def draw(browser: Browser, address: str, file: Path, how: dict[str, Any]) -> None:
    """One picture."""
    context = browser.new_context(**how)
    page = context.new_page()
    page.goto(address)
    page.locator("#live.ok").wait_for()
    page.screenshot(path=file)
    context.close()
    print(f"{file}: {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
