"""The pages as a browser gets them: a server on loopback over the two workspaces, and Debian's Chromium."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.app.town import Town
from tests.tenancy.conftest import cheap

from setpoint.app.http.actors import session_cookie
from setpoint.domain.vocabulary import Role

__all__ = ["cheap"]

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

# What is drawn for the first time loads what draws; on a busy machine that takes longer than the usual five seconds.
expect.set_options(timeout=30_000)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve an application on loopback while a block lasts: its address."""
    started = asyncio.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(uvicorn.Config(app, port=0, log_config=None, lifespan="on"))
    serving = asyncio.create_task(server.serve())
    await started.wait()
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest_asyncio.fixture(scope="session")
async def site(town: Town) -> AsyncIterator[str]:
    """The address of a server with the pages of the town."""
    async with served(town.app()) as address:
        yield address


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium, or set CHROMIUM")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest_asyncio.fixture
async def at(browser: Browser, site: str, town: Town) -> AsyncIterator[Callable[..., object]]:
    """Open a page of `home` as somebody with a role there, or as nobody.

    Every page is watched: a script's error, or something that the content security policy refused, fails the test.
    """
    complaints: list[str] = []
    contexts = []

    async def opened(
        path: str, role: Role | None = Role.ADMIN, *, width: int = 1440, dark: bool = False, script: bool = True
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            base_url=site,
        )
        contexts.append(context)
        if role is not None:
            await context.add_cookies(
                [{"name": session_cookie(town.config), "value": town.home.sessions[role], "url": site}]
            )
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        await page.goto(path)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert complaints == []
