from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]
"""Playwright is large and only `make test-ui` installs it."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this host."""
    from playwright.sync_api import sync_playwright

    from chromium import ARGUMENTS, chromium

    path = chromium()
    if path is None:
        pytest.fail("no Chromium: install it (Debian: apt-get install chromium), or name one in $CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()
