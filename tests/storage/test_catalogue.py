"""The doctor finds what it says it looks for: each rule is broken, in a transaction that leaves nothing behind."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.storage.conftest import Opener, run_as_superuser, variant

from setpoint.storage.catalogue import Finding, inspect
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace, create_workspace, find_workspace

RUNTIME = "setpoint_runtime"


async def after(connection: AsyncConnection, *statements: str) -> list[Finding]:
    """What the doctor finds once these have run."""
    for statement in statements:
        await connection.execute(text(statement))
    return await inspect(connection)


async def found(database: Database, *statements: str) -> list[Finding]:
    """The same, and all is as it was before."""
    async with database.owner() as connection:
        savepoint = await connection.begin_nested()
        try:
            return await after(connection, *statements)
        finally:
            await savepoint.rollback()


async def test_a_database_as_we_make_it_is_well(database: Database, workspace: Workspace) -> None:
    assert await found(database) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (f"ALTER ROLE {RUNTIME} SUPERUSER", "is a superuser"),
        (f"ALTER ROLE {RUNTIME} BYPASSRLS", "may bypass row-level security"),
        (f"ALTER ROLE {RUNTIME} CREATEROLE", "may create roles"),
        (f"ALTER ROLE {RUNTIME} CREATEDB", "may create databases"),
        (f"ALTER ROLE {RUNTIME} REPLICATION", "may replicate the cluster"),
        (f"ALTER ROLE {RUNTIME} LOGIN", "may log in"),
        (f"GRANT CREATE ON SCHEMA setpoint TO {RUNTIME}", "may create in the schema setpoint"),
        (f"REVOKE USAGE ON SCHEMA setpoint FROM {RUNTIME}", "may not use the schema setpoint"),
        (f"GRANT pg_read_all_data TO {RUNTIME}", "is a member of pg_read_all_data"),
        (f"ALTER TABLE leads OWNER TO {RUNTIME}", "belongs to setpoint_runtime"),
        (f"ALTER FUNCTION current_client() OWNER TO {RUNTIME}", "belongs to setpoint_runtime"),
    ],
)
async def test_a_runtime_role_with_too_much_or_too_little(database: Database, statement: str, problem: str) -> None:
    findings = await found(database, statement)
    assert problem in [each.problem for each in findings if each.check == "runtime role"]


async def test_rights_on_the_database_itself(database: Database) -> None:
    name = "(SELECT current_database())"
    grant = f"DO $$ BEGIN EXECUTE format('%s', {name}); END $$"
    for order, problem in (
        (f"'GRANT CREATE ON DATABASE %I TO {RUNTIME}'", "may create schemas"),
        ("'REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, setpoint_runtime'", "may not make the temporary tables"),
    ):
        findings = await found(database, grant.replace("'%s'", order))
        assert [each.check for each in findings] == ["runtime role"]
        assert problem in findings[0].problem


@pytest.mark.parametrize(
    ("statement", "table", "problem"),
    [
        ("GRANT DELETE ON leads TO {role}", "leads", "may DELETE"),
        ("GRANT TRUNCATE, TRIGGER ON drafts TO {role}", "drafts", "may TRIGGER, TRUNCATE"),
        ("GRANT REFERENCES ON leads TO {role}", "leads", "may REFERENCES"),
        ("GRANT UPDATE ON workspaces TO {role}", "workspaces", "may UPDATE"),
        ("GRANT UPDATE (slug) ON workspaces TO PUBLIC", "workspaces", "may UPDATE"),
        ("GRANT UPDATE ON snippets TO {role}", "snippets", "may UPDATE"),
        ("GRANT SELECT ON {partition} TO {role}", "{partition}", "may SELECT"),
    ],
)
async def test_a_right_too_many(
    database: Database, workspace: Workspace, statement: str, table: str, problem: str
) -> None:
    names = {"role": RUNTIME, "partition": f"messages_{workspace.client_id}"}
    assert await found(database, statement.format(**names)) == [
        Finding("privileges", table.format(**names), f"setpoint_runtime {problem}")
    ]


@pytest.mark.parametrize(
    ("statement", "table", "problem"),
    [
        ("ALTER TABLE leads DISABLE ROW LEVEL SECURITY", "leads", "does not ENABLE row-level security"),
        (
            "ALTER TABLE leads NO FORCE ROW LEVEL SECURITY",
            "leads",
            "does not FORCE row-level security on its owner",
        ),
        ("DROP POLICY tenant ON leads", "leads", "has no policy on client_id"),
        ("CREATE TABLE added (client_id integer)", "added", "has rows without a client_id, or may have"),
        ("CREATE TABLE added (id integer)", "added", "has no client_id"),
        ("CREATE TABLE added (client_id integer NOT NULL)", "added", "has no policy on client_id"),
        (
            "CREATE POLICY open ON leads USING (true)",
            "leads",
            "has the policy open, which is not the one on client_id",
        ),
        (
            "CREATE POLICY open ON leads FOR SELECT TO setpoint_runtime USING (client_id > 0)",
            "leads",
            "has the policy open, which is not the one on client_id",
        ),
        (
            "CREATE POLICY open ON leads FOR INSERT WITH CHECK (true)",
            "leads",
            "has the policy open, which is not the one on client_id",
        ),
        (
            "ALTER POLICY registry ON workspaces TO PUBLIC",
            "workspaces",
            "has the policy registry, which is not the one on client_id",
        ),
    ],
)
async def test_a_table_that_is_open(database: Database, statement: str, table: str, problem: str) -> None:
    findings = await found(database, statement)
    assert Finding("row-level security", table, problem) in findings
    assert {each.object for each in findings} == {table}


async def test_a_partition_that_is_open(database: Database, workspace: Workspace) -> None:
    partition = f"message_texts_{workspace.client_id}"
    assert await found(database, f"ALTER TABLE {partition} DISABLE ROW LEVEL SECURITY") == [
        Finding("row-level security", partition, "does not ENABLE row-level security")
    ]


async def test_a_policy_for_others_or_one_that_restricts_is_nobodys_business(database: Database) -> None:
    assert (
        await found(
            database,
            "CREATE POLICY backup ON leads TO pg_read_all_data USING (true)",
            "CREATE POLICY narrower ON leads AS RESTRICTIVE USING (external_id <> '')",
        )
        == []
    )


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "CREATE VIEW shown AS SELECT * FROM leads",
            "is a view without security_invoker: it shows what its owner may see",
        ),
        (
            "CREATE VIEW shown WITH (security_invoker = false) AS SELECT * FROM leads",
            "is a view without security_invoker: it shows what its owner may see",
        ),
        (
            "CREATE MATERIALIZED VIEW shown AS SELECT * FROM leads",
            "is a materialized view: its rows are behind no row-level security",
        ),
    ],
)
async def test_a_view_that_shows_too_much(database: Database, statement: str, problem: str) -> None:
    assert await found(database, statement) == [Finding("views", "shown", problem)]


async def test_a_view_that_shows_what_its_reader_may_see_is_well(database: Database) -> None:
    assert await found(database, "CREATE VIEW shown WITH (security_invoker) AS SELECT * FROM leads") == []


OPENED = "SELECT secure_tenant_table('added')"


@pytest.mark.parametrize(
    ("definition", "key", "problem"),
    [
        ("UNIQUE (id)", "added.added_id_key", "is a unique key that does not begin with client_id"),
        (
            "UNIQUE (id, client_id)",
            "added.added_id_client_id_key",
            "is a unique key that does not begin with client_id",
        ),
        ("PRIMARY KEY (id)", "added.added_pkey", "is a primary key that does not begin with client_id"),
        (
            "EXCLUDE USING btree (id WITH =)",
            "added.added_id_excl",
            "is a unique key that does not begin with client_id",
        ),
        (
            "FOREIGN KEY (id, client_id) REFERENCES leads (external_id, client_id)",
            "added.added_id_client_id_fkey",
            "is a foreign key that does not begin with client_id on both sides",
        ),
    ],
)
async def test_a_key_that_reaches_beyond_its_workspace(
    database: Database, definition: str, key: str, problem: str
) -> None:
    findings = await found(
        database, f'CREATE TABLE added (client_id integer NOT NULL, id text COLLATE "C", {definition})', OPENED
    )
    assert findings == [Finding("keys", key, problem)]


DEFINER = "CREATE FUNCTION added() RETURNS integer LANGUAGE sql SECURITY DEFINER {} AS 'SELECT 1'"


@pytest.mark.parametrize(
    ("statements", "function", "problem"),
    [
        (
            [DEFINER.format(""), "REVOKE ALL ON FUNCTION added() FROM PUBLIC"],
            "added()",
            "runs as its owner without a fixed search_path that ends in pg_temp",
        ),
        (
            [DEFINER.format("SET search_path = pg_temp, setpoint"), "REVOKE ALL ON FUNCTION added() FROM PUBLIC"],
            "added()",
            "runs as its owner without a fixed search_path that ends in pg_temp",
        ),
        (
            [DEFINER.format("SET search_path = setpoint, pg_temp")],
            "added()",
            "runs as its owner for everyone: PUBLIC may execute it",
        ),
        (
            ["GRANT EXECUTE ON FUNCTION create_workspace(text) TO PUBLIC"],
            "create_workspace(text)",
            "runs as its owner for everyone: PUBLIC may execute it",
        ),
        (
            ["ALTER FUNCTION current_client() VOLATILE"],
            "current_client()",
            "is not the function that every policy relies on",
        ),
        (
            ["CREATE OR REPLACE FUNCTION current_client() RETURNS integer LANGUAGE sql STABLE RETURN 1"],
            "current_client()",
            "is not the function that every policy relies on",
        ),
    ],
)
async def test_a_function_that_is_not_to_be_trusted(
    database: Database, statements: list[str], function: str, problem: str
) -> None:
    assert await found(database, *statements) == [Finding("functions", function, problem)]


async def test_a_key_that_is_compared_by_a_language(database: Database) -> None:
    added = "CREATE TABLE added (client_id integer NOT NULL, id text, PRIMARY KEY (client_id, id))"
    assert await found(database, added, OPENED) == [
        Finding("collations", "added.id", 'is a key that is not compared as bytes (collation "C")')
    ]


async def test_a_workspace_without_its_partition(database: Database, workspace: Workspace) -> None:
    assert await found(database, f"DROP TABLE messages_{workspace.client_id}") == [
        Finding("workspaces", f"workspace {workspace.slug}", "has no partition of messages")
    ]
    assert await found(
        database, f"ALTER TABLE message_texts DETACH PARTITION message_texts_{workspace.client_id}"
    ) == [Finding("workspaces", f"workspace {workspace.slug}", "has no partition of message_texts")]


async def test_a_schema_of_another_version_is_all_that_is_looked_at(database: Database) -> None:
    (older,) = await found(database, "DELETE FROM alembic_version", "DROP POLICY tenant ON leads")
    (newer,) = await found(database, "UPDATE alembic_version SET version_num = '9999'")
    assert (older.check, older.object) == (newer.check, newer.object) == ("schema", "database")
    assert "run `setpoint migrate`" in older.problem
    assert "by a newer Setpoint" in newer.problem


async def test_a_cluster_that_lacks_the_runtime_role(database: Database) -> None:
    (finding,) = await found(database, f"ALTER ROLE {RUNTIME} RENAME TO somebody_else")
    assert (finding.check, finding.object) == ("runtime role", RUNTIME)
    assert "does not exist in this cluster" in finding.problem


@pytest.mark.parametrize("policy", ["names the old owner", "is lost"])
async def test_a_dump_under_another_owner_is_mended_by_what_the_doctor_says(
    cluster: str, open_database: Opener, policy: str
) -> None:
    run_as_superuser(cluster, "CREATE ROLE owner LOGIN CREATEROLE", "CREATE DATABASE owned OWNER owner")
    before = open_database(variant(cluster, user="owner", database="owned"))
    await before.migrate()
    async with before.registry() as connection:
        await create_workspace(connection, "acme")
    run_as_superuser(variant(cluster, database="owned"), "CREATE ROLE heir LOGIN", "REASSIGN OWNED BY owner TO heir")
    if policy == "is lost":
        run_as_superuser(variant(cluster, database="owned"), "DROP POLICY registry ON setpoint.workspaces")
    heir = open_database(variant(cluster, user="heir", database="owned"))
    async with heir.owner() as connection:
        findings = await inspect(connection)
        assert {each.check for each in findings} == {"workspaces"}
        assert "workspaces" in {each.object for each in findings}
        for finding in findings:
            assert finding.problem.startswith("may not be searched by its owner heir: as that role, run `")
        assert await after(connection, *(each.problem.split("`")[1] for each in findings)) == []
    run_as_superuser(cluster, "GRANT setpoint_runtime TO heir")
    async with heir.registry() as connection:
        assert (await find_workspace(connection, "acme")).slug == "acme"
