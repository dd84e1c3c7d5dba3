"""A model's provider as a real HTTP server on loopback: one prepared reply a request, what was sent is kept."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What the server sends. `cut` closes the connection after so many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


class Hold:
    """The server takes the request, and holds the connection without a word."""


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Provider:
    port: int
    replies: list[Reply | Hold] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    said: list[Reply | Hold] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    end: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def say(self, *replies: Reply | Hold) -> None:
        self.replies.extend(replies)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["Provider"]:
        provider = cls(0)
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(provider._serve(reader, writer))
            tasks.add(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        provider.port = server.sockets[0].getsockname()[1]
        try:
            yield provider
        finally:
            provider.end.set()
            server.close()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.split(":", 1) for line in head[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(head[0].split(" ")[1], headers, json.loads(body)))
            self.asked.set()
            reply = self.replies.pop(0)
            self.said.append(reply)
            if isinstance(reply, Hold):
                await self.end.wait()
            else:
                writer.write(_written(reply))
                await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def _written(reply: Reply) -> bytes:
    headers = {
        "content-type": "application/json",
        "content-length": str(len(reply.body)),
        "connection": "close",
        **reply.headers,
    }
    head = f"HTTP/1.1 {reply.status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode("latin-1") + b"\r\n" + reply.body[: reply.cut]


def completion(
    *,
    content: str | None = None,
    tool: str = "final_result",
    arguments: Any = None,
    finish: str | None = None,
    **message: Any,
) -> Reply:
    """A reply of OpenAI's chat completions: a text, or a call of a tool, by default the one that takes the answer."""
    said: dict[str, Any] = {"role": "assistant", "content": content, **message}
    if arguments is not None:
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        said["tool_calls"] = [{"id": "call-1", "type": "function", "function": {"name": tool, "arguments": written}}]
    document = {
        "id": "completion-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "served-model",
        "choices": [
            {"index": 0, "finish_reason": finish or ("stop" if arguments is None else "tool_calls"), "message": said}
        ],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 200},
        },
    }
    return Reply(json.dumps(document).encode())


def fault(status: int, text: str = "no", **headers: str) -> Reply:
    """A refusal of OpenAI's kind."""
    document = {"error": {"message": text, "type": "error", "code": None, "param": None}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(document).encode(), status, named)


def anthropic_message(answer: Any, tool: str = "final_result", stop: str = "tool_use") -> Reply:
    """A reply of Anthropic's messages."""
    document = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": tool, "input": answer}],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }
    return Reply(json.dumps(document).encode())
