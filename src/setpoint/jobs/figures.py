"""How much there is to do in all workspaces together, and whether somebody does it."""

from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Figures:
    """Report runs by status; jobs that wait and that are under way, by queue; workers heard of in half a minute.

    `waiting_seconds` is how long the oldest job waits that could be taken up, None where none does.
    """

    runs: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    under_way: dict[str, int] = field(default_factory=dict)
    workers: int = 0
    weekly_workspaces: int = 0
    waiting_seconds: int | None = None


async def service_figures(connection: AsyncConnection) -> Figures:
    """The figures of this moment, on a registry connection."""
    found: dict[str, dict[str, int]] = {}
    for figure, label, value in await connection.execute(text("SELECT * FROM service_figures()")):
        found.setdefault(figure, {})[label] = value
    return Figures(
        runs=found.get("runs", {}),
        waiting=found.get("jobs_todo", {}),
        under_way=found.get("jobs_doing", {}),
        workers=found["workers"][""],
        weekly_workspaces=found["weekly_workspaces"][""],
        waiting_seconds=found.get("waiting_seconds", {}).get(""),
    )
