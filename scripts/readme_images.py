#!/usr/bin/env python3
"""Make the pictures of the documentation anew, light and dark: `setpoint demo` serves a sample, and Chromium looks.

    scripts/readme_images.py [--out DIR]

It takes a minute, works in a scratch data directory, and needs Chromium: apt-get install chromium, or set CHROMIUM.
What pages say of the present (when a report was made, how long it took) is another with each time.
"""

import argparse
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import FloatRect, Locator, Page, sync_playwright

from setpoint.domain.errors import SetpointError

IMAGES: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
WIDTH: Final = 1440
MOST_BYTES: Final = 250_000
QUESTION: Final = "How soon do leads book?"

_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_ADDRESS: Final = re.compile(r"(http://\S+)/sign-in\?next=(/w/\S+)")
_MARGIN: Final = 24


@contextmanager
def demo(data_dir: Path) -> Iterator[tuple[str, str]]:
    """Serve the demo, which wants a terminal, while a block lasts: its address, and the path of its workspace."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "setpoint.app.cli.main", "demo", "--no-browser", "--data-dir", str(data_dir)]
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its)
    os.close(its)
    try:
        with open(ours, encoding="utf-8", errors="replace") as told:
            # The report is printed before; the address is the last that it says.
            found = next(filter(None, map(_ADDRESS.search, told)))
            yield found[1], found[2]
    finally:
        process.terminate()
        process.wait()


class Camera:
    """Takes pictures of one page, each in light and dark."""

    def __init__(self, page: Page, out: Path) -> None:
        self._page = page
        self._out = out

    def take(self, name: str, last: Locator, first: Locator | None = None) -> None:
        """From the top of the page to the end of `last`; with `first` from its beginning, and no wider than it."""
        # Where something is, is told from the top of the window.
        self._page.evaluate("scrollTo(0, 0)")
        end = _box(last)
        clip = FloatRect(x=0, y=0, width=WIDTH, height=end["y"] + end["height"] + _MARGIN)
        if first is not None:
            begin = _box(first)
            clip = FloatRect(
                x=begin["x"] - _MARGIN,
                y=begin["y"],
                width=begin["width"] + 2 * _MARGIN,
                height=clip["height"] - begin["y"],
            )
        for scheme in _SCHEMES:
            self._page.emulate_media(color_scheme=scheme)
            path = self._out / f"{name}-{scheme}.png"
            self._page.screenshot(path=path, full_page=True, clip=clip)
            if path.stat().st_size > MOST_BYTES:
                raise SetpointError(f"{path} is larger than {MOST_BYTES:,} bytes: show less of the page.")


def _box(locator: Locator) -> FloatRect:
    box = locator.bounding_box()
    if box is None:
        raise SetpointError(f"There is nothing to show for {locator}: the page has changed, so change what is shown.")
    return box


def take_all(page: Page, address: str, workspace: str, out: Path) -> None:
    """Go through the pages of the sample, as its admin."""
    camera, home = Camera(page, out), address + workspace
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="as the sample team's admin").click()
    camera.take("overview", page.locator("section", has=page.get_by_role("heading", name="Booking rate by week")))

    page.get_by_role("link", name="Read the report").click()
    camera.take("report", page.locator("#synthesis li").nth(1))
    adjustment = page.locator("#adjustment")
    camera.take("adjustment", adjustment.locator(".beside").first, adjustment)

    page.goto(f"{home}/ask")
    page.get_by_role("button", name=QUESTION).click()
    page.get_by_role("heading", name=QUESTION).wait_for()
    camera.take("ask", page.locator("#answer-1"))

    page.goto(f"{home}/reports/new")
    page.get_by_role("button", name="Make the report").click()
    page.locator(".steps .done").first.wait_for()
    camera.take("run", page.locator(".run-state"))


def main() -> None:
    """Read the options, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=IMAGES, help="where they go; default: docs/images")
    out = parser.parse_args().out
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        tempfile.TemporaryDirectory() as scratch,
        demo(Path(scratch) / "data") as (address, workspace),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": WIDTH, "height": 900}, locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
        )
        take_all(context.new_page(), address, workspace, out)


if __name__ == "__main__":
    main()
