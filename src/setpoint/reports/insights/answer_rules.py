"""What an answer of a model must hold to, and the answer where no model gave one. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from setpoint.llm.schemas import Answer, Failure, Status
from setpoint.reports.insights.closest import closest, named_rows
from setpoint.reports.insights.direct import direct
from setpoint.reports.insights.schemas import ANSWER_VERSION, AnswerDocument, TableDocument
from setpoint.reports.insights.table_text import rows_text
from setpoint.reports.stated_numbers import Shown, invented

MAX_QUESTION: Final = 500
_SUGGESTIONS: Final = {
    "comparison": "Who books more, AI or setters?",
    "adjustment": "Who books more with channel and stage held equal?",
    "segments:cross_channel": "What is the booking rate by channel and sender?",
    "response_mode:cross_channel": "How do campaigns on auto-send do?",
    "timing": "How soon do leads book?",
    "patterns": "What do messages that book have in common?",
    "trend": "How did the booking rate change from week to week?",
    "counts": "How many leads are pending?",
    "dropped": "Why are leads not in the report?",
    "definitions": "What does pending mean?",
}
# What a question could have the model say to whoever reads the session next.
_NOT_PLAIN: Final = re.compile(r"://|\bwww\.|\]\(|</?[a-z]", re.IGNORECASE)
# Both are about who books more.
_WHO: Final = ("adjustment", "comparison")


class InsightAnswer(BaseModel):
    """The answer of a model, in a form that can be checked."""

    model_config = ConfigDict(extra="forbid")

    answered: Annotated[bool, Field(description="False where the tables do not hold the answer.")]
    text: Annotated[
        str, Field(min_length=1, max_length=1500, description="The answer in plain words, two to six sentences.")
    ]
    citations: Annotated[
        list[str],
        Field(max_length=8, description="Keys of the tables, or citations of rows, that the text rests on."),
    ]
    follow_ups: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=160)]],
        Field(max_length=3, description="Questions without numbers that these tables answer."),
    ]


def complaints(answer: InsightAnswer, tables: Sequence[TableDocument]) -> list[str]:
    """What is wrong with an answer, as sentences for the model that gave it; empty where nothing is.

    What it cites must exist, its numbers must stand in what it cites, its follow-up questions have none, and all
    of it is plain text.
    """
    known = citations_of(tables)
    unknown = [citation for citation in answer.citations if citation not in known]
    found = [
        f"There is no table or row {citation!r}: cite what list_tables and read_table name." for citation in unknown
    ]
    if answer.answered and not answer.citations:
        found.append(
            "Cite the tables or rows that the answer rests on, or say with answered false that none hold it."
        )
    shown = Shown.of(texts_of([citation for citation in answer.citations if citation in known], tables))
    made_up = invented(answer.text, shown)
    if made_up:
        found.append(
            "These numbers stand in nothing that is cited: "
            + ", ".join(made_up)
            + ". Repeat numbers of the cited rows, rounded at most, and compute none."
        )
    asked = [number for question in answer.follow_ups for number in invented(question, Shown.of([]))]
    if asked:
        found.append(f"Follow-up questions have no numbers: {', '.join(asked)}.")
    if any(_NOT_PLAIN.search(words) or not _is_seen(words) for words in (answer.text, *answer.follow_ups)):
        found.append("Write plain sentences, without links, markup and characters that nobody sees.")
    return found


def _is_seen(words: str) -> bool:
    """Whether all of it is seen as it stands; a terminal would obey some of what is not."""
    return words.replace("\n", " ").isprintable()


def citations_of(tables: Iterable[TableDocument]) -> set[str]:
    """Everything that an answer over these tables may cite."""
    return {name for table in tables for name in (table["key"], *table["citations"]) if name is not None}


def texts_of(citations: Iterable[str], tables: Sequence[TableDocument]) -> list[str]:
    """The cited tables and rows in words, with the texts around them."""
    wanted = set(citations)
    texts: list[str] = []
    for table in tables:
        whole = table["key"] in wanted
        rows = [
            row
            for row, citation in zip(table["rows"], table["citations"], strict=True)
            if whole or citation in wanted
        ]
        if whole or rows:
            texts += [table["title"], table["says"] or "", *table["notes"]]
            texts += [column["label"] for column in table["columns"]]
            texts += [cell for row in rows_text(table, rows) for cell in row]
    return texts


def of_model(found: Answer[InsightAnswer]) -> AnswerDocument:
    """The document of an answer that a model gave."""
    return _document(
        source="model" if found.value.answered else "nothing",
        text=found.value.text,
        note=f"By {found.model} over the tables of this report; numbers and citations were checked.",
        citations=list(dict.fromkeys(found.value.citations)),
        follow_ups=found.value.follow_ups,
        model=found.model,
        prompt_key=found.prompt_key,
        prompt_version=found.prompt_version,
        prompt_hash=found.prompt_hash,
        call_id=str(found.call_id),
        cached=found.cached,
    )


def of_tables(question: str, tables: Sequence[TableDocument], failure: Failure) -> AnswerDocument:
    """What there is without a model: what the report itself says on it and the closest tables, or what can be asked
    where none is close.
    """
    asked = failure.status is not Status.NO_MODEL
    why = f"{failure.message} " if asked else "No model was asked. "
    keys = closest(question, tables)
    by_key = {table["key"]: table for table in tables}
    titles = {key: table["title"] for key, table in by_key.items()}
    follow_ups = [words for key, words in _SUGGESTIONS.items() if key in titles and key not in keys[:1]]
    shared = {
        "follow_ups": follow_ups[:3] if keys else follow_ups,
        "failure": str(failure.status) if asked else None,
        "call_id": None if failure.call_id is None else str(failure.call_id),
    }
    note = f"{why}The answer is the report's own, and the tables were found by the words of the question."
    rows = direct(question, by_key)
    if rows is not None:
        return _document(source="tables", text=rows.text, note=note, citations=rows.citations, **shared)
    if not keys:
        text = "Nothing in this report is close to the question. The questions below can be asked."
        return _document(source="nothing", text=text, note=why.strip(), **shared)
    if keys[0] in _WHO and "adjustment" in by_key:
        # The report's verdict is the one with other things held equal, whichever table has more of the words.
        keys = list(dict.fromkeys(["adjustment", *keys]))[:2]
    said = next((by_key[key] for key in keys[: 2 if keys[0] in _WHO else 1] if by_key[key]["says"]), None)
    listed = "; ".join(titles[key] for key in keys)
    text = (
        f"These tables of the report are the closest to the question: {listed}."
        if said is None
        else f"{said['says']} The numbers are in these tables: {listed}."
    )
    # The glossary is long, and its words are what is asked about one by one.
    citations = [
        citation
        for key in keys
        for citation in ((key == "definitions" and named_rows(question, by_key[key])) or [key])
    ]
    if said is None:
        note = f"{why}The tables were found by the words of the question."
    else:
        citations = list(dict.fromkeys([said["key"], *citations]))
    return _document(source="tables", text=text, note=note, citations=citations, **shared)


def _document(**given: object) -> AnswerDocument:
    empty: Mapping[str, object] = {
        "version": ANSWER_VERSION,
        "citations": [],
        "follow_ups": [],
        **dict.fromkeys(("model", "prompt_key", "prompt_version", "prompt_hash", "call_id", "failure")),
        "cached": False,
    }
    return AnswerDocument(**{**empty, **given})  # type: ignore[typeddict-item]  # every key of it is in one of the two
