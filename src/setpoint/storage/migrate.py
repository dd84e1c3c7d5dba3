"""Bring a database to the schema this version needs, and tell whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from setpoint.domain.errors import DatabaseUnavailable

MINIMUM_POSTGRES = 15
UNMIGRATED = "The database has not this version's schema: run `setpoint migrate`."
# Any constant will do, as long as every process that migrates uses the same one.
MIGRATION_LOCK = 7_361_774


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def current_revision(connection: Connection) -> str | None:
    """The revision the database is at; None before the first migration."""
    options = {"version_table_schema": "setpoint"}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def is_current(connection: Connection) -> bool:
    """Whether the schema is the one this version needs; False where it is older or missing.

    Raises DatabaseUnavailable where the database belongs to a newer version of the code.
    """
    current = current_revision(connection)
    scripts = ScriptDirectory.from_config(_config())
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise DatabaseUnavailable("The database was migrated by a newer Setpoint: install that version.")
    return current == scripts.get_current_head()


def check_current(connection: Connection) -> None:
    """Raise DatabaseUnavailable unless the schema is the one this version needs."""
    if not is_current(connection):
        raise DatabaseUnavailable(UNMIGRATED)


def check_server(connection: Connection) -> None:
    """Raise DatabaseUnavailable where the server is too old or keeps text in another encoding than UTF-8."""
    version = connection.dialect.server_version_info
    if version is not None and version < (MINIMUM_POSTGRES,):
        raise DatabaseUnavailable(
            f"PostgreSQL {MINIMUM_POSTGRES} or newer is needed; this server is version {version[0]}."
        )
    encoding = connection.scalar(text("SELECT current_setting('server_encoding')"))
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            f"The database keeps text as {encoding}: create one with ENCODING 'UTF8' TEMPLATE template0."
        )


def upgrade(connection: Connection) -> bool:
    """Migrate inside the caller's transaction, one process at a time; True where something was done.

    The connection must belong to the owner of the schema. Raises DatabaseUnavailable where the server does
    not suit or the database belongs to a newer version of the code.
    """
    check_server(connection)
    if is_current(connection):
        return False
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    if is_current(connection):
        return False
    # Whoever may not make schemas is refused even IF NOT EXISTS.
    if connection.scalar(text("SELECT to_regnamespace('setpoint')")) is None:
        connection.execute(text("CREATE SCHEMA setpoint"))
    connection.execute(text("SET LOCAL search_path = setpoint, pg_temp"))
    command.upgrade(_config(connection), "head")
    return True
