"""No text reaches the record of calls, the logs or an exception: canaries are planted everywhere and looked for.

A canary that turned out not to be planted fails the test: it would have proved nothing.
"""

import json
import logging
import traceback
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import select
from tests.llm.server import Hold, Provider, Reply, completion, fault

from setpoint.domain.errors import NotFound
from setpoint.llm.ledger import TenantLedger
from setpoint.llm.overrides import Signature, record_override, record_snippet
from setpoint.llm.prompts import Message, Prompt, Snippet, Speaker
from setpoint.llm.provider import ProviderModel
from setpoint.llm.schemas import Answer, Failure, Limits, ModelSettings
from setpoint.llm.scripted import FakeClock
from setpoint.llm.service import run_prompt
from setpoint.storage.database import Database
from setpoint.storage.tables import ai_calls
from setpoint.tenancy.service import Workspace


class Canaries:
    """Unique words, each of which looks like a name that somebody may have."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}
        self._numbers: Iterator[int] = count(1)

    def plant(self, place: str) -> str:
        word = f"canary{next(self._numbers):03d}bird"
        self.planted[word] = place
        return word

    def found_in(self, text: str) -> set[str]:
        return {place for word, place in self.planted.items() if word in text}


class Note(BaseModel):
    note: str


PROMPT = Prompt.of("reports.note", 1, "Take notes. {{>tone}}", "{{lead}} {{texts}}", (Snippet("tone", "Plainly."),))


@pytest.mark.usefixtures("no_keys")
async def test_no_text_is_kept_logged_or_raised(
    database: Database,
    workspace: Workspace,
    provider: Provider,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    birds = Canaries()
    client_id = workspace.client_id
    monkeypatch.setenv("SETPOINT_LLM_API_KEY", birds.plant("API key"))
    own = (Message(Speaker.SYSTEM, birds.plant("system message") + " {{>tone}}"), PROMPT.messages[1])
    async with database.tenant(client_id) as connection:
        signature = Signature("ann", "bob")
        await record_override(connection, client_id, PROMPT, own, base=0, signature=signature)
        await record_snippet(connection, client_id, "tone", birds.plant("snippet"), base=0, signature=signature)
    settings = ModelSettings("openai:served-model", provider.url)
    port = ProviderModel(settings, TenantLedger(database, client_id), FakeClock())
    raised: list[BaseException] = []
    results: list[Failure] = []
    given: list[str] = []

    async def ask(*replies: Reply | Hold, **options: Any) -> Answer[Note] | Failure | None:
        provider.say(*replies)
        inputs = {"lead": {birds.plant("key of an input"): birds.plant("input")}, "texts": birds.plant("text")}
        # A text is not kept for being in the right place, looking like a name, being short or being a key of depth.
        metadata: dict[str, Any] = {
            "bookingGate": {"reason": birds.plant("metadata"), "list": [birds.plant("list of the metadata")]},
            birds.plant("key of the metadata"): {"a": 1},
        }
        given.append(repr(metadata))
        try:
            result = await run_prompt(port, PROMPT, inputs, Note, metadata=metadata, **options)
        except Exception as error:
            raised.append(error)
            return None
        if isinstance(result, Failure):
            results.append(result)
        return result

    async def look(name: str) -> str:
        """Look somebody up."""
        if name == "nobody":
            raise NotFound(birds.plant("expected failure of a tool"))
        return birds.plant("result of a tool")

    def complain(note: Note) -> list[str]:
        return [birds.plant("complaint")]

    good = completion(arguments={"note": birds.plant("answer")})
    assert isinstance(await ask(good), Answer)
    await ask(
        completion(tool="look", arguments={"name": "nobody"}),
        completion(tool="look", arguments={"name": birds.plant("argument of a tool")}),
        good,
        tools=[look],
    )
    once = Limits(corrections=1, attempts=1)
    await ask(*[completion(arguments={"note": birds.plant("answer to mend")})] * 2, check=complain, limits=once)
    await ask(*[completion(content=birds.plant("text instead of an answer"))] * 2, limits=once)
    await ask(*[completion(arguments={birds.plant("wrong key"): birds.plant("wrong value")})] * 2, limits=once)
    await ask(completion(refusal=birds.plant("refusal")), limits=once)
    await ask(completion(arguments='{"note": "' + birds.plant("answer cut off"), finish="length"), limits=once)
    for status in (400, 401, 404, 429, 500, 503):
        await ask(fault(status, birds.plant(f"error {status}"), x_note=birds.plant(f"header {status}")), limits=once)
    await ask(Reply(b"{" + birds.plant("broken JSON").encode()), limits=once)
    await ask(Reply(json.dumps({"choices": birds.plant("wrong protocol")}).encode()), limits=once)
    await ask(Reply(birds.plant("cut reply").encode() * 9, headers={"content-length": "999"}), limits=once)
    await ask(Hold(), limits=Limits(seconds=0.2))

    async with database.tenant(client_id) as connection:
        kept = [str(dict(row)) for row in (await connection.execute(select(ai_calls))).mappings()]
    written = capsys.readouterr()
    exceptions = ["".join(traceback.format_exception(error)) for error in raised]
    assert len(kept) == 17
    assert birds.found_in("\n".join(kept)) == set()
    assert birds.found_in(caplog.text + written.out + written.err) == set()
    assert birds.found_in(repr(results) + "".join(result.message for result in results)) == set()
    assert birds.found_in("\n".join(exceptions)) == set()
    assert raised == []
    sent = [json.dumps([request.headers, request.body], ensure_ascii=False) for request in provider.received]
    said = [reply for reply in provider.said if isinstance(reply, Reply)]
    seen = "\n".join([*given, *sent, *(reply.body.decode() + str(reply.headers) for reply in said)])
    assert set(birds.planted.values()) - birds.found_in(seen) == set()


async def test_a_canary_that_was_not_planted_is_noticed() -> None:
    birds = Canaries()
    word = birds.plant("somewhere")
    assert birds.found_in(f"it says {word}.") == {"somewhere"}
    assert birds.found_in("nothing") == set()
