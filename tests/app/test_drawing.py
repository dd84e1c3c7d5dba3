"""Drawing beside the server: in another process, one at a time, each once, and again where that one was killed."""

import asyncio
import os
import signal
import time

import pytest
from cachetools import LRUCache

from setpoint.app import drawing
from setpoint.app.drawing import draw, drawn
from setpoint.app.http.config import HttpConfig
from setpoint.app.http.state import Service, json_log, utc_now
from setpoint.storage.database import Database


@pytest.fixture
def service(database: Database) -> Service:
    return Service(database, HttpConfig(), utc_now, json_log())


async def test_it_happens_in_another_process_that_stays(service: Service) -> None:
    there = await draw(service, os.getpid)

    assert there != os.getpid()
    assert await draw(service, os.getpid) == there


async def test_what_goes_wrong_there_is_raised_here(service: Service) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await draw(service, int, "x")


async def test_a_process_that_was_killed_is_replaced(service: Service) -> None:
    there = await draw(service, os.getpid)
    dying = asyncio.create_task(draw(service, time.sleep, 0.2))
    await asyncio.sleep(0)
    os.kill(there, signal.SIGKILL)
    await dying

    assert await draw(service, os.getpid) != there


async def test_each_is_drawn_once_and_the_oldest_is_let_go(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_kept", LRUCache(2))

    async def drawn_as(key: str) -> bytes:
        return await drawn(service, ("test", key), os.urandom, 8)

    first, at_once = await asyncio.gather(drawn_as("a"), drawn_as("a"))
    second = await drawn_as("b")
    assert first == at_once == await drawn_as("a")
    await drawn_as("c")
    assert await drawn_as("a") == first
    assert await drawn_as("b") != second
