"""A real browser: the Chromium of this machine, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

AXE = "axe-core@4.14.1"


def missing(what: str) -> None:
    """Skip, but in CI fail."""
    if os.environ.get("ENGINE_CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        missing("no chromium to test the report in: apt-get install -y chromium")
    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(accept_downloads=True, viewport={"width": 1200, "height": 700}) as context:
        context.set_default_timeout(10_000)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must neither write an error nor ask for anything but the file."""
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: wrong.append(request.url) if not request.url.startswith(("file:", "blob:")) else None,
    )
    yield page
    assert wrong == []


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which looks for faults of accessibility."""
    npm = shutil.which("npm")
    if npm is None:
        missing(f"no npm to fetch {AXE} with")
    assert npm is not None
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, AXE], capture_output=True, text=True
    )
    if done.returncode:
        missing(f"npm cannot fetch {AXE}: {done.stderr[-300:]}")
    return Path(folder, "node_modules", "axe-core", "axe.min.js").read_text("utf-8")
