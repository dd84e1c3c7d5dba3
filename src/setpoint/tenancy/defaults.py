"""What a workspace's reports begin with where nobody says otherwise, and where its appointments come from."""

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import UsageError
from setpoint.domain.windows import DEFAULT_ATTRIBUTION_DAYS, DEFAULT_MATURITY_DAYS, MAX_DAYS, Window
from setpoint.storage.tables import workspace_settings


class BookingProvider(StrEnum):
    """The tool that people book with. It is a label: nothing is fetched from there."""

    NONE = "none"
    CALENDLY = "calendly"
    HUBSPOT = "hubspot"
    GOOGLE = "google"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class WorkspaceDefaults:
    """How far back a booking credits a message and how long a lead stays pending, in days; the booking tool."""

    attribution_days: int = DEFAULT_ATTRIBUTION_DAYS
    maturity_days: int = DEFAULT_MATURITY_DAYS
    booking_provider: BookingProvider = BookingProvider.NONE

    def __post_init__(self) -> None:
        for name, days in (("--attribution-days", self.attribution_days), ("--maturity-days", self.maturity_days)):
            if not 0 <= days <= MAX_DAYS:
                raise UsageError(f"{name} must lie between 0 and {MAX_DAYS}.")

    def applied_to(self, window: Window) -> Window:
        """The window with these lengths. Raises UsageError where it would reach back too far."""
        return replace(
            window, attribution=timedelta(days=self.attribution_days), maturity=timedelta(days=self.maturity_days)
        )


async def workspace_defaults(connection: AsyncConnection, client_id: int) -> WorkspaceDefaults:
    """The defaults of a workspace, on a tenant connection: the product's own, where nobody set others."""
    settings = workspace_settings.c
    found = await connection.execute(
        select(settings.attribution_days, settings.maturity_days, settings.booking_provider).where(
            settings.client_id == client_id
        )
    )
    row = found.one_or_none()
    if row is None:
        return WorkspaceDefaults()
    return WorkspaceDefaults(row.attribution_days, row.maturity_days, BookingProvider(row.booking_provider))


async def set_workspace_defaults(
    connection: AsyncConnection, client_id: int, defaults: WorkspaceDefaults
) -> WorkspaceDefaults:
    """Keep other defaults, on a tenant connection. Reports that were made, or are queued, stay as they are."""
    values = asdict(defaults)
    await connection.execute(
        insert(workspace_settings)
        .values(client_id=client_id, **values)
        .on_conflict_do_update(index_elements=["client_id"], set_=values)
    )
    return defaults
