"""Whoever uses the server in `bench/service_load.py`: people who click, and programs that send rows.

They speak HTTP over plain streams, because a client library would take more of the cores than the people do.
"""

import asyncio
import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from setpoint.tenancy.service import Workspace

BATCH: Final = 1_000
THINK_SECONDS: Final = 1.5
_WATCH_SECONDS: Final = 0.02
_AGAIN_SECONDS: Final = 0.5


class Waits:
    """Milliseconds by page, how late this process itself was, and what failed."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = defaultdict(list)
        self.delays: list[float] = []
        self.failed: Counter[str] = Counter()

    def all(self) -> list[float]:
        """Those of all pages."""
        return [ms for values in self.ms.values() for ms in values]


def quantile(values: list[float], q: float) -> float:
    """The smallest of the values that at least this share of them does not exceed (inverse of the empirical CDF)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-q * len(ordered) // 1) - 1)]


class Pace:
    """When a phase is over."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def rest(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self.over.wait()
        except TimeoutError:
            pass

    async def watch(self, waits: Waits) -> None:
        """Note by how much this process itself is late."""
        while not self.over.is_set():
            began = time.perf_counter()
            await asyncio.sleep(_WATCH_SECONDS)
            waits.delays.append((time.perf_counter() - began - _WATCH_SECONDS) * 1000)


class Line:
    """One connection, kept alive."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError and ValueError; the next request opens a new connection.

        A kept connection that the server has closed meanwhile is opened anew, as browsers do.
        """
        try:
            return await self._once(head, body)
        except ConnectionError:
            return await self._once(head, body)

    async def _once(self, head: str, body: bytes) -> tuple[int, bytes]:
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 22)
            reader, writer = self._streams
            lengths = f"Host: {self._host}:{self._port}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write((head + lengths).encode() + body)
            await writer.drain()
            fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = fields.partition("content-length: ")[2].partition("\r\n")[0]
            return int(fields[9:12]), await reader.readexactly(int(length or 0))
        except asyncio.IncompleteReadError as error:
            await self.close()
            raise ConnectionResetError("The server hung up.") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Give the connection up."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@dataclass(frozen=True)
class Person:
    """Whoever sits before a browser: the cookie, a number for the dice, and what to put into addresses."""

    cookie: str
    number: int
    names: Mapping[str, str]

    def request(self, page: str) -> str:
        """The head of a request for a page."""
        return f"GET {page.format(**self.names)} HTTP/1.1\r\nCookie: {self.cookie}\r\nAccept: text/html\r\n"


async def probe(address: str, person: Person, pages: Mapping[str, int]) -> tuple[dict[str, int], list[str]]:
    """The pages that are there, and those that are not."""
    line, there, absent = Line(address), {}, []
    for page, weight in pages.items():
        status, _ = await line.ask(person.request(page))
        if status == 404:
            absent.append(page)
        else:
            there[page] = weight
    await line.close()
    return there, absent


async def click(address: str, person: Person, pages: Mapping[str, int], waits: Waits, pace: Pace) -> None:
    """Look at one page after the other, thinking in between, until the phase is over."""
    dice, line = random.Random(person.number), Line(address)
    names, weights = list(pages), list(pages.values())
    await pace.rest(dice.uniform(0, 2 * THINK_SECONDS))
    while not pace.over.is_set():
        (page,) = dice.choices(names, weights)
        began = time.perf_counter()
        try:
            status, _ = await line.ask(person.request(page))
            if status not in (200, 303):
                waits.failed[f"{status} of {page}"] += 1
        except (OSError, ValueError) as error:
            waits.failed[f"{type(error).__name__} of {page}"] += 1
        waits.ms[page].append((time.perf_counter() - began) * 1000)
        await pace.rest(dice.expovariate(1 / THINK_SECONDS))
    await line.close()


@dataclass
class Feed:
    """Rows for one workspace: what they begin with, and how many of each batch were acknowledged."""

    workspace: Workspace
    leads: list[str]
    token: str
    mark: str = field(default_factory=lambda: f"load-{time.time():.0f}-{uuid4().hex[:6]}-")
    acknowledged: Counter[str] = field(default_factory=Counter)
    ms: list[float] = field(default_factory=list)

    @property
    def batch_mark_length(self) -> int:
        """How much of a row's key tells its batch."""
        return len(self.mark) + 8

    def batch(self, number: int) -> tuple[str, bytes]:
        """What the keys of a batch begin with, and its messages."""
        mark = f"{self.mark}{number:08d}"
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        leads = itertools.islice(itertools.cycle(self.leads), number * BATCH % len(self.leads), None)
        rows = ",".join(
            f'{{"external_id":"{mark}-{row:04d}","lead_external_id":"{lead}","channel":"email",'
            f'"direction":"outbound","sent_at":"{at}","sent_by":"setter","subject":"Following up",'
            f'"body":"Hello, number {row}: does Tuesday at ten suit you, or is later in the week better?"}}'
            for row, lead in zip(range(BATCH), leads, strict=False)
        )
        return mark, f"[{rows}]".encode()


async def feed(address: str, rows: Feed, rate: float, waits: Waits, pace: Pace) -> None:
    """Send so many rows a second in batches; what was not acknowledged is sent again under the same key."""
    line, began = Line(address), time.perf_counter()
    for number in itertools.count():
        await pace.rest(began + number * BATCH / rate - time.perf_counter())
        if pace.over.is_set():
            break
        mark, body = rows.batch(number)
        head = (
            f"POST /api/v1/workspaces/{rows.workspace.slug}/imports/messages HTTP/1.1\r\n"
            f"Authorization: Bearer {rows.token}\r\nContent-Type: application/json\r\nIdempotency-Key: {mark}\r\n"
        )
        sent, answered, answer = time.perf_counter(), False, b""
        while not answered:
            try:
                status, answer = await line.ask(head, body)
                answered = status == 200
                if not answered:
                    waits.failed[f"{status} of a batch"] += 1
            except (OSError, ValueError) as error:
                waits.failed[f"{type(error).__name__} of a batch"] += 1
            if not answered:
                if pace.over.is_set():
                    await line.close()
                    return
                await asyncio.sleep(_AGAIN_SECONDS)
        if f'"accepted":{BATCH},'.encode() in answer:
            rows.acknowledged[mark] = BATCH
        else:
            waits.failed["a batch that was not accepted whole"] += 1
        rows.ms.append((time.perf_counter() - sent) * 1000)
    await line.close()
