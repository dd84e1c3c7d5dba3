"""The model of a workspace, as the API and the pages connect and show it."""

from setpoint.domain.errors import NotAllowed
from setpoint.llm.provider import open_model
from setpoint.llm.queries import read_settings, write_settings
from setpoint.llm.schemas import ModelSettings, ModelUnavailable
from setpoint.storage.database import Database
from setpoint.tenancy.schemas import Actor


async def connect_model(database: Database, actor: Actor, settings: ModelSettings) -> None:
    """Give the actor's workspace this model; the settings were checked before.

    Raises NotAllowed where somebody but a super-admin names another server than the present one, and Conflict.
    """
    async with database.tenant(actor.client_id) as connection:
        if settings.base_url is not None and not actor.is_super_admin:
            # The server's own API key is sent there.
            present = await read_settings(connection, actor.client_id)
            if present is None or present.base_url != settings.base_url:
                raise NotAllowed(
                    "base_url is set by super-admins, or with `setpoint model set` on the server: ask one of them."
                )
        await write_settings(connection, actor.client_id, settings, actor.name)


def model_problem(settings: ModelSettings) -> str | None:
    """Why the model cannot be asked, or None. The first call takes seconds: it loads the provider's library."""
    try:
        open_model(settings)
    except ModelUnavailable as error:
        return error.message
    return None
