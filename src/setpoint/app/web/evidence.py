"""The messages behind a report's claims, redacted, for admins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from setpoint.app.api.reports import run_of
from setpoint.app.http.actors import PageAdmin
from setpoint.app.http.state import service_of
from setpoint.app.web.pages import page
from setpoint.domain.errors import NotFound
from setpoint.domain.vocabulary import Attribution, Outcome
from setpoint.reports.citations import is_pattern, targets
from setpoint.reports.definitions import CHANNEL_LABELS, OUTCOME_LABELS, SENDER_LABELS
from setpoint.reports.kept_evidence import citations_with_evidence, evidence_of
from setpoint.reports.presentation import label_of
from setpoint.reports.view_synthesis import citation_targets, cited

router = APIRouter()

AT_ONCE: Final = 20
_MOST: Final = 1000
_PARTS: Final = ("Patterns", "Senders and channels", "Shown to the model", "Other")
_LEAD: Final = "Lead"
_ORDER: Final = {name: place for place, name in enumerate([*Attribution, *CHANNEL_LABELS, *SENDER_LABELS])}


@dataclass(frozen=True, slots=True)
class Rest:
    """Something that rests on messages: its words, how many they are, and where in the report it stands."""

    citation: str
    label: str
    messages: int
    part: str
    kind: str
    anchor: str | None


def rests(document: Mapping[str, Any] | None, counts: Mapping[str, int]) -> list[Rest]:
    """What of a report rests on messages, in the order of the report."""
    labels = {} if document is None else targets(document)
    addresses = {} if document is None else citation_targets(document)
    found = []
    for citation, messages in counts.items():
        told = cited(citation, addresses)
        kind = citation.partition(":")[0]
        part = 0 if is_pattern(citation) else {"segment": 1, "evidence": 2}.get(kind, 3)
        found.append(Rest(citation, labels.get(citation, told.label), messages, _PARTS[part], kind, told.address))
    order = {citation: place for place, citation in enumerate(labels)}

    def place(one: Rest) -> tuple[object, ...]:
        name = one.citation.partition(":")[2]
        # Channels and senders stand in the order that they have everywhere.
        parted = [_ORDER.get(each, len(_ORDER)) for each in name.split("/")] if one.kind == "segment" else []
        counted = int(name) if name.isdecimal() else 0
        return _PARTS.index(one.part), parted, order.get(one.citation, len(order)), counted, one.citation

    return sorted(found, key=place)


@router.get("/w/{workspace}/reports/{run}/evidence")
async def evidence(
    request: Request,
    actor: PageAdmin,
    run: str,
    citation: Annotated[str | None, Query(max_length=200)] = None,
    upto: Annotated[int, Query(ge=1, le=_MOST)] = AT_ONCE,
) -> Response:
    """What of a report rests on messages; with `citation`, those messages, redacted, the first `upto` of them."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        made = await run_of(connection, actor, run)
        counts = await citations_with_evidence(connection, actor.client_id, made.id)
        held = []
        if citation in counts:
            held = await evidence_of(connection, actor.client_id, actor.role, made.id, citation, upto)
    found = rests(made.document, counts)
    if citation is None:
        parts = [(part, [each for each in found if each.part == part]) for part in _PARTS]
        shown = [each for each in parts if each[1]]
        return page(request, "evidence_list.html.j2", actor=actor, here="reports", run=made, parts=shown)
    rest = next((each for each in found if each.citation == citation), None)
    if rest is None:
        raise NotFound("No messages are kept for this in this report: its evidence page names what has some.")
    looked_at = min(upto, rest.messages)
    return page(
        request,
        "evidence.html.j2",
        actor=actor,
        here="reports",
        run=made,
        rest=rest,
        is_pattern=is_pattern(rest.citation),
        held=held,
        missing=looked_at - len(held),
        looked_at=looked_at,
        more=min(upto + AT_ONCE, rest.messages) if upto < rest.messages else None,
        channels=CHANNEL_LABELS,
        senders={**SENDER_LABELS, "lead": _LEAD},
        outcomes={outcome.value: (outcome.lower().replace("_", "-"), OUTCOME_LABELS[outcome]) for outcome in Outcome},
        label_of=label_of,
    )
