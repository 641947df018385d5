"""A real Chromium through perijove, at a sub-path: JupyterLab loads, a cell runs, a terminal opens, and nothing complains."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as TookTooLong

from perijove.demo.hub import Hub, wait_for
from perijove.demo.processes import Process, free_port

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"  # Debian's
# In a container, as root, and without talking to anybody but us.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--proxy-server=direct://",
]  # fmt: skip
WAIT = 90_000.0  # milliseconds


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A hub at a sub-path behind perijove."""
    port = free_port()
    hub = Hub(tmp_path, "/mypath/", "pw")
    front = Process(
        "perijove",
        [sys.executable, "-m", "perijove", "serve", "--to", hub.url, "--mount", "/mypath", "--listen", f"127.0.0.1:{port}"],
        tmp_path / "perijove.log",
    )
    try:
        hub.wait()
        wait_for(f"http://127.0.0.1:{port}/mypath/hub/login", front, 20)
        yield f"http://127.0.0.1:{port}/mypath/"
    finally:
        front.stop()
        hub.stop()


class Watch:
    """What goes wrong in a page without the page showing it."""

    def __init__(self, page: Page, url: str) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.sockets: list[str] = []
        self.received = 0
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", lambda got: self.errors.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        page.on(
            "request", lambda asked: None if asked.url.startswith((url, "data:", "blob:")) else self.foreign.append(asked.url)
        )
        page.on("websocket", self._opened)

    def _opened(self, socket: object) -> None:
        self.sockets.append(socket.url)  # type: ignore[attr-defined]
        socket.on("framereceived", lambda _: self._count())  # type: ignore[attr-defined]
        socket.on("socketerror", lambda error: self.errors.append(f"{socket.url}: {error}"))  # type: ignore[attr-defined]

    def _count(self) -> None:
        self.received += 1


def run_cell(page: Page, code: str, shown: str) -> None:
    cell = page.locator(".jp-Notebook .jp-Cell .cm-content").first
    cell.wait_for(timeout=WAIT)
    page.wait_for_function("() => /\\| Idle/.test(document.querySelector('#jp-main-statusbar')?.innerText || '')", timeout=WAIT)
    cell.click()
    page.keyboard.type(code)
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-OutputArea-output", has_text=shown)
    try:
        output.first.wait_for(timeout=8000)
    except TookTooLong:  # JupyterLab drops a run that is asked for while its kernel still connects: ask once more
        cell.click()
        page.keyboard.press("Shift+Enter")
        output.first.wait_for(timeout=WAIT)


def test_lab(url: str, tmp_path: Path) -> None:
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser:
        page = browser.new_page()
        watch = Watch(page, url)
        page.goto(url, wait_until="domcontentloaded")
        page.fill("#username_input", "brow")
        page.fill("#password_input", "pw")
        page.click("#login_submit")
        page.wait_for_url("**/user/brow/lab**", timeout=WAIT)
        page.wait_for_selector(".jp-Launcher", timeout=WAIT)
        page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
        run_cell(page, 'print(6*7, "through the proxy")', "42 through the proxy")
        page.keyboard.press("Control+s")
        expect(page.locator(".jp-NotebookPanel")).to_be_visible()
        assert watch.errors == []
        assert watch.foreign == []
        assert any("/channels" in one for one in watch.sockets)
        assert any("/api/events/subscribe" in one for one in watch.sockets)
        assert watch.received > 5
