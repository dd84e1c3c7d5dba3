"""Ask a report a question: by a model with tools over a context pack, else by the closest of its tables.

A question is data, as everything is that tools return. The workspace, the role and the run come from whoever calls,
never from a model.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from setpoint.datasets.redaction import Known, Redactor
from setpoint.domain.errors import NotAllowed, NotFound, UsageError
from setpoint.domain.vocabulary import Role
from setpoint.llm.port import ModelPort
from setpoint.llm.prompts import Prompt
from setpoint.llm.schemas import Failure
from setpoint.llm.service import Tool, run_prompt
from setpoint.reports.insights.answer_rules import (
    MAX_QUESTION,
    InsightAnswer,
    citations_of,
    complaints,
    of_model,
    of_tables,
)
from setpoint.reports.insights.packs import Pack, get_pack, pack_of
from setpoint.reports.insights.schemas import AnswerDocument, TableDocument
from setpoint.reports.insights.sessions import Asker, KeptAnswer, answers_of, keep_answer
from setpoint.reports.insights.suppression import suppressed
from setpoint.reports.kept_evidence import citations_with_evidence, nameless_evidence_of
from setpoint.storage.database import Database

PROMPT: Final = Prompt.of(
    "insights.answer",
    1,
    "You answer questions of a sales team about a report on which of its messages book meetings. You know nothing but"
    " what your tools return. Call list_tables, then read_table for every table that may hold the answer, and then"
    " answer in plain, calm words: the answer first, with its uncertainty where the table has an interval.\n"
    "Rates and differences are fractions in the tables: write 0.123 as 12.3%, and a difference of 0.021 as"
    ' 2.1 points. Repeat numbers as they are, rounded at most; compute none, and write no ratio such as "twice".'
    " Where a table has a reason in place of a number, give the reason. What is shown as suppressed is not known to"
    " you. Say what goes together with bookings, not what causes them, unless a table has it with the leads held"
    " equal.\n"
    "Cite the keys of the tables, or the citations of single rows, that your answer rests on. If the tables do not"
    " hold the answer, say so with answered false and cite nothing. The question may ask for other things than an"
    " answer about the report; such a question has none.",
    "The question:\n{{question}}\n\nWhat was asked in this session before, the latest last:\n{{earlier}}",
)
# What is repeated of a session, so that "and in SMS?" can be understood.
_EARLIER: Final = 3
_MESSAGES: Final = 6

_redactor = Redactor()


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, where it is kept, and the tables it cites as the asker may see them."""

    session_id: UUID
    place: int
    question: str
    answer: AnswerDocument
    tables: list[TableDocument]


async def ask(
    database: Database,
    client_id: int,
    port: ModelPort,
    asker: Asker,
    question: str,
    *,
    run_id: str | None = None,
    session_id: str | None = None,
) -> Asked:
    """Answer a question about a report and keep both in a session: in `session_id`, or in a new one about `run_id`.

    No connection is held while the model is asked. Raises UsageError where the question is empty or too long,
    NotFound without such a session or run, NotAllowed in somebody else's session, Conflict where the run is not
    complete.
    """
    question = checked_question(question)
    pack, earlier, role, session = await _opened(database, client_id, asker, run_id, session_id)
    tables = tables_for(pack, role)
    found = await _by_model(database, client_id, port, role, pack, tables, question, earlier, session)
    answer = of_tables(question, tables, found) if isinstance(found, Failure) else found
    async with database.tenant(client_id) as connection:
        place = await keep_answer(connection, client_id, session, asker, pack.id, question, answer)
    return Asked(session, place, question, answer, cited_tables(answer, tables))


def checked_question(question: str) -> str:
    """The question without what nobody sees. Raises UsageError where nothing is left, or too much."""
    visible = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", question))
    plain = " ".join("".join(c for c in visible if unicodedata.category(c) not in ("Cf", "Co", "Cn", "Cs")).split())
    if not plain:
        raise UsageError('A question is missing: ask something like "Who books more, AI or setters?".')
    if len(plain) > MAX_QUESTION:
        raise UsageError(f"A question has at most {MAX_QUESTION} characters, and this one {len(plain):,}: ask less.")
    return plain


def tables_for(pack: Pack, role: Role) -> list[TableDocument]:
    """The tables of a complete pack as a role may see them: small cells are put away for setters."""
    if pack.document is None:
        raise NotFound(f"The context pack {pack.id} is {pack.status} and has no tables.")
    tables = pack.document["tables"]
    return tables if role is Role.ADMIN else [suppressed(table) for table in tables]


def cited_tables(answer: AnswerDocument, tables: Sequence[TableDocument]) -> list[TableDocument]:
    """The tables that an answer cites, in the order of the citations; of single rows, those rows alone."""
    cited = answer["citations"]
    found = []
    for table in tables:
        places = [place for place, name in enumerate(table["citations"]) if name in cited]
        if table["key"] in cited:
            found.append(table)
        elif places:
            rows = [table["rows"][place] for place in places]
            found.append({**table, "rows": rows, "citations": [table["citations"][place] for place in places]})
    return sorted(found, key=lambda table: min(cited.index(name) for name in citations_of([table]) if name in cited))


async def _opened(
    database: Database, client_id: int, asker: Asker, run_id: str | None, session_id: str | None
) -> tuple[Pack, list[KeptAnswer], Role, UUID]:
    """The pack, what was asked before, as what the asker asks, and the session's id."""
    if session_id is None:
        if run_id is None:
            raise UsageError("Name the report run or the session that the question is about.")
        return await pack_of(database, client_id, run_id, asker.author), [], asker.role, uuid4()
    async with database.tenant(client_id) as connection:
        session, earlier = await answers_of(connection, client_id, asker, session_id)
        pack = await get_pack(connection, client_id, str(session.pack_id))
    if session.author != asker.author:
        raise NotAllowed("This session is somebody else's: ask in one of your own.")
    # What is answered in a session is read by whoever may read the session.
    role = Role.SETTER if Role.SETTER in (session.role, asker.role) else Role.ADMIN
    return pack, earlier, role, session.id


async def _by_model(
    database: Database,
    client_id: int,
    port: ModelPort,
    role: Role,
    pack: Pack,
    tables: Sequence[TableDocument],
    question: str,
    earlier: Sequence[KeptAnswer],
    session: UUID,
) -> AnswerDocument | Failure:
    evidence: dict[str, int] = {}
    if role is Role.ADMIN and port.settings is not None:
        async with database.tenant(client_id) as connection:
            evidence = await citations_with_evidence(connection, client_id, pack.run_id)
    told: list[str] = []

    async def list_tables() -> list[dict[str, Any]]:
        """The tables of the report: key, title, columns, and how many rows each has."""
        return [
            {
                "key": table["key"],
                "title": table["title"],
                "columns": [column["label"] for column in table["columns"]],
                "rows": len(table["rows"]),
            }
            for table in tables
        ]

    async def read_table(key: str) -> Mapping[str, Any]:
        """One table, by its key: columns, rows, the citation of each row, and notes."""
        for table in tables:
            if table["key"] == key:
                return {
                    **table,
                    "evidence": {name: evidence[name] for name in evidence if name in table["citations"]},
                }
        raise NotFound(f"There is no table {key!r}: list_tables names those there are.")

    async def read_evidence(citation: str) -> list[dict[str, Any]]:
        """Some of the messages that a row's citation rests on, redacted: texts that other people wrote."""
        async with database.tenant(client_id) as connection:
            found = await nameless_evidence_of(connection, client_id, role, pack.run_id, citation, _MESSAGES)
        told.extend(one.snippet for one in found)
        return [
            {"sender": one.sender, "channel": one.channel, "outcome": one.outcome, "text": one.snippet}
            for one in found
        ]

    def check(answer: InsightAnswer) -> list[str]:
        found = complaints(answer, tables)
        words = " ".join([answer.text, *answer.follow_ups])
        # Whatever messages say, no address, link or number of anybody is repeated.
        if told and _redactor.redact(words, Known(), None).text != words:
            found.append("The answer holds an address, a link or a number of somebody: leave it out.")
        return found

    tools: list[Tool] = [list_tables, read_table, *([read_evidence] if evidence else [])]
    found = await run_prompt(
        port,
        PROMPT,
        {
            "question": question,
            "earlier": [{"question": each.question, "answer": each.answer["text"]} for each in earlier[-_EARLIER:]],
        },
        InsightAnswer,
        run_id=session,
        check=check,
        tools=tools,
        tools_version=f"{pack.scope_key}/{role}",
        # Texts may be imported again, redacted otherwise or be gone tomorrow.
        cache=not evidence,
    )
    return found if isinstance(found, Failure) else of_model(found)
