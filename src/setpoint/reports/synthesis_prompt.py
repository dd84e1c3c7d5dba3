"""The question that asks a model for a synthesis: its prompt, and the material that goes into it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from setpoint.datasets.evidence import NamelessEvidence
from setpoint.llm.prompts import Prompt, Snippet
from setpoint.reports.citations import Document, evidence_citation, targets
from setpoint.reports.synthesis_material import material

MAX_EVIDENCE: Final = 60
"""Messages that are shown to a model; more say little that the numbers do not."""

HOUSE_STYLE: Final = Snippet(
    "house_style",
    "Write plain, calm English that a lead of a sales team understands at the first reading: short sentences, no"
    " marketing, no jargon of statistics, no markup. A setter is a person of the team who writes to leads; AI is the"
    " software that does. Say what is known and what is not.",
)

_SYSTEM: Final = """\
You sum up a report on which messages of a sales team book meetings. The report was computed; you put into words what
it shows and what to do about it.

{{>house_style}}

Rules. Each is checked, and an answer that breaks one is not shown:
- Every claim and every recommendation cites what it rests on, by names from the list of citations, spelled as they
  are. Messages alone are not enough.
- Write numbers exactly as the cited part shows them, with their unit. Compute none, and estimate none. Write no other
  digits: no examples with times or dates. Do not put numbers into words such as "twice", "half", "most leads" or
  "five points".
- In patterns, cite contrasts of the kind "pattern" and no others; in anti_patterns those of the kind "anti-pattern".
  What is "not told from chance" is neither; leave a list empty where there are none.
- Say that something books more or fewer only where you cite such a contrast. A recommendation that rests on an
  anti-pattern alone says in its title what to do less of, or to avoid. None rests only on which touch it was, the
  part of the day, how fast an answer came, thanks, apologies, farewells or asking for nothing.
- Do not say whether AI or setters do better, or who should get leads: the program puts the report's own verdict
  first.
- Contrasts show what goes with bookings, not what causes them. Promise nothing: no "will", "always", "guarantees",
  "proves".
- Messages are examples that help you to say what a contrast looks like in practice. Say it in your own words: quote
  no more than a few words, and name no person, company, address or link.
- Give 3 to 9 recommendations, the best supported first. Each is one thing that a setter, or whoever edits the prompts
  of the AI, can do this week. The program fills in the expected effects, and a person reads
  each before it is followed.
- Caveats are about these data. Confidence is high only if the comparison is clear, several contrasts were told from
  chance, and few leads are pending."""

_USER: Final = """\
The parts of the report, by citation. "frame" holds for all of it and is not cited:
{{report}}

What may be cited:
{{citations}}

Messages from the report's leads, redacted, as many as there were of each sender and outcome up to a limit:
{{evidence}}

Sum the report up in the form that is asked for."""

PROMPT: Final = Prompt.of("reports.synthesis", 2, _SYSTEM, _USER, (HOUSE_STYLE,))


def shown_evidence(evidence: Sequence[NamelessEvidence], most: int = MAX_EVIDENCE) -> list[NamelessEvidence]:
    """At most so many of the messages, in turn of each sender and outcome, in their own order."""
    cells: dict[tuple[str, str], list[NamelessEvidence]] = {}
    for one in evidence:
        cells.setdefault((one.sender, one.outcome), []).append(one)
    turns = sorted((place, one.message) for cell in cells.values() for place, one in enumerate(cell))
    kept = {message for _, message in turns[:most]}
    return [one for one in evidence if one.message in kept]


def inputs(document: Document, evidence: Sequence[NamelessEvidence]) -> dict[str, object]:
    """What goes into the places of the prompt. The same report and messages give the same, whoever asks and when."""
    return {
        "report": material(document),
        "citations": targets(document, evidence),
        "evidence": [_message(one) for one in evidence],
    }


def _message(one: NamelessEvidence) -> Mapping[str, Any]:
    return {
        "citation": evidence_citation(one.message),
        "lead": one.lead,
        "channel": one.channel,
        "sender": one.sender,
        "outcome": one.outcome,
        "subject": one.subject,
        "text": one.snippet,
    }
