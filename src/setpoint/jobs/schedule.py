"""Which workspaces want a weekly report, since when, and over how many weeks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import UsageError
from setpoint.domain.windows import MAX_DAYS
from setpoint.storage.tables import Instant, workspace_settings

DEFAULT_WINDOW_DAYS = 84
MAX_WEEKS = MAX_DAYS // 7


@dataclass(frozen=True, slots=True)
class Weekly:
    """What a workspace wants every week. `since` is when it was last switched on, None where it never was."""

    wanted: bool = False
    since: datetime | None = None
    window_days: int = DEFAULT_WINDOW_DAYS

    def wanted_at(self, due: datetime) -> bool:
        """Whether the report of that Monday is wanted: what was switched on later waits for the next one."""
        return self.wanted and self.since is not None and self.since <= due


async def weekly_settings(connection: AsyncConnection, client_id: int) -> Weekly:
    """What a workspace wants every week: nothing, where nobody said so."""
    settings = workspace_settings.c
    found = await connection.execute(
        select(settings.weekly_report, settings.weekly_since, settings.weekly_window_days).where(
            settings.client_id == client_id
        )
    )
    row = found.one_or_none()
    return Weekly() if row is None else Weekly(*row)


async def want_weekly(
    connection: AsyncConnection,
    client_id: int,
    wanted: bool,
    weeks: int | None = None,
    *,
    at: datetime | None = None,
) -> Weekly:
    """Switch the weekly report on or off, over that many full weeks; None keeps what was said before.

    Raises UsageError where the number of weeks makes no sense.
    """
    if weeks is not None and not 1 <= weeks <= MAX_WEEKS:
        raise UsageError(f"--weeks must lie between 1 and {MAX_WEEKS}.")
    settings = workspace_settings.c
    now: ColumnElement[datetime] = func.now() if at is None else literal(at, Instant)
    length = {} if weeks is None else {"weekly_window_days": weeks * 7}
    values = {"weekly_report": wanted, "weekly_since": now if wanted else None, **length}
    # Switched on twice, it is wanted since the first time.
    anew = or_(~settings.weekly_report, settings.weekly_since.is_(None))
    since = case((anew, now), else_=settings.weekly_since) if wanted else settings.weekly_since
    await connection.execute(
        insert(workspace_settings)
        .values(client_id=client_id, **values)
        .on_conflict_do_update(index_elements=["client_id"], set_={**values, "weekly_since": since})
    )
    return await weekly_settings(connection, client_id)


async def weekly_clients(connection: AsyncConnection) -> list[int]:
    """The workspaces that want a weekly report at this moment, on a registry connection."""
    return list(await connection.scalars(text("SELECT weekly_report_clients()")))
