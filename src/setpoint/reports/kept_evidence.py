"""Which messages a report's claims rest on: ids kept with the run, shown redacted to admins.

A citation names what rests on them, such as `pattern:offers_times` or `segment:cross_channel/email/ai/BOOKED`.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.datasets.evidence import Evidence, NamelessEvidence, evidence, evidence_for_synthesis
from setpoint.domain.errors import Conflict, NotAllowed, NotFound
from setpoint.domain.vocabulary import Role
from setpoint.storage.tables import report_evidence, report_runs


async def keep_evidence(
    connection: AsyncConnection,
    client_id: int,
    run_id: UUID,
    messages: Mapping[str, Sequence[tuple[str, str]]],
) -> int:
    """Keep the messages of each citation as `(message id, outcome)`, in their order, and return how many there are.

    A message stands once under a citation, with the first outcome given for it. A run's evidence is kept once, best
    in the transaction that completes it: raises Conflict where there is some already, NotFound without such a run.
    """
    await _check_run(connection, client_id, run_id)
    rows = [
        (citation, place, message_id, outcome)
        for citation, given in messages.items()
        for place, (message_id, outcome) in enumerate(_once(given).items(), 1)
    ]
    if not rows:
        return 0
    citations, places, ids, outcomes = (list(column) for column in zip(*rows, strict=True))
    # One statement, however many there are: a report may rest on thousands.
    unnested = (
        func.unnest(
            cast(citations, ARRAY(Text)),
            cast(places, ARRAY(Integer)),
            cast(ids, ARRAY(Text)),
            cast(outcomes, ARRAY(Text)),
        )
        .table_valued("citation", "place", "message_external_id", "outcome")
        .render_derived()
    )
    names = ("client_id", "run_id", "citation", "place", "message_external_id", "outcome")
    kept = await connection.execute(
        insert(report_evidence)
        .from_select(
            names,
            select(literal(client_id, Integer), literal(run_id, Uuid), *(unnested.c[name] for name in names[2:])),
        )
        .on_conflict_do_nothing()
        .execution_options(preserve_rowcount=True)
    )
    if kept.rowcount != len(rows):
        raise Conflict(f"The report run {run_id} has its evidence already: run the report once more for another.")
    return len(rows)


async def evidence_of(
    connection: AsyncConnection, client_id: int, role: Role, run_id: UUID, citation: str, limit: int
) -> list[Evidence]:
    """The first `limit` messages that a citation of a run rests on, redacted.

    Raises NotAllowed for everybody but admins, and NotFound without such a run. A citation without evidence gives
    none.
    """
    outcomes = await _outcomes(connection, client_id, role, run_id, citation, limit)
    return await evidence(connection, client_id, role, list(outcomes), limit, outcomes=outcomes)


async def nameless_evidence_of(
    connection: AsyncConnection, client_id: int, role: Role, run_id: UUID, citation: str, limit: int
) -> list[NamelessEvidence]:
    """The same messages without any id, for a model that answers an admin. Raises what `evidence_of` raises."""
    outcomes = await _outcomes(connection, client_id, role, run_id, citation, limit)
    return await evidence_for_synthesis(connection, client_id, list(outcomes), limit, outcomes=outcomes)


async def citations_with_evidence(connection: AsyncConnection, client_id: int, run_id: UUID) -> dict[str, int]:
    """How many messages each citation of a run rests on, for every member. Raises NotFound without such a run."""
    await _check_run(connection, client_id, run_id)
    found = await connection.execute(
        select(report_evidence.c.citation, func.count())
        .where(report_evidence.c.client_id == client_id, report_evidence.c.run_id == run_id)
        .group_by(report_evidence.c.citation)
        .order_by(report_evidence.c.citation)
    )
    return dict(iter(found))


def _once(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    for message_id, outcome in given:
        outcomes.setdefault(message_id, outcome)
    return outcomes


async def _outcomes(
    connection: AsyncConnection, client_id: int, role: Role, run_id: UUID, citation: str, limit: int
) -> dict[str, str]:
    """Outcomes by message id, in the order of the places. A message that is gone leaves its place empty."""
    if role is not Role.ADMIN:
        raise NotAllowed("Evidence is for admins of the workspace: ask one of them.")
    await _check_run(connection, client_id, run_id)
    found = await connection.execute(
        select(report_evidence.c.message_external_id, report_evidence.c.outcome)
        .where(
            report_evidence.c.client_id == client_id,
            report_evidence.c.run_id == run_id,
            report_evidence.c.citation == citation.replace("\0", " "),
        )
        .order_by(report_evidence.c.place)
        .limit(limit)
    )
    return dict(iter(found))


async def _check_run(connection: AsyncConnection, client_id: int, run_id: UUID) -> None:
    known = await connection.scalar(
        select(report_runs.c.id).where(report_runs.c.client_id == client_id, report_runs.c.id == run_id)
    )
    if known is None:
        raise NotFound(f"There is no report run '{run_id}' here: `setpoint report list` shows those there are.")
