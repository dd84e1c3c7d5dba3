"""What the live database says about itself, held against what keeps workspaces apart.

Row-level security is only as good as the catalogue: one table without FORCE, one policy too many, one right too
many for the runtime role, and the promise is gone without any test of the code noticing. `setpoint doctor` asks
here, and so do the tests.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from setpoint.domain.errors import DatabaseUnavailable
from setpoint.storage import migrate


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be: which check found it, on what, and what is wrong in plain words."""

    check: str
    object: str
    problem: str


_PARAMETERS: Final = {
    # Alembic's own, and what belongs to people and not to a workspace; every other table holds facts of workspaces.
    "without_tenant": [
        *("alembic_version", "users", "identities", "user_sessions", "password_links", "sign_in_attempts"),
    ],
    # Of these the runtime role sees nothing; functions look up one row at a time.
    "sealed": ["users", "identities", "user_sessions", "password_links", "sign_in_attempts"],
    # What the runtime role may only read, only add to, or add to and remove what has expired; it may add to and
    # change the rows of every other table.
    "read_only": ["workspaces", "alembic_version"],
    "append_only": [
        *("model_settings", "prompt_overrides", "snippets"),
        *("report_evidence", "insight_sessions", "insight_answers"),
    ],
    "expiring": ["llm_cache"],
    "removable": ["memberships", "api_answers"],
    # Their owner finds them before any tenant is set, for the functions that run in its name.
    "searched": ["workspaces", "memberships", "api_tokens", "invitations"],
    # How people and files name a workspace is unique among all workspaces.
    "global_keys": ["workspaces_slug_key"],
    "policy": "(client_id = ( SELECT current_client() AS current_client))",
    "current_client": "RETURN (NULLIF(current_setting('setpoint.client_id'::text, true), ''::text))::integer",
}

# Each query yields an object's name and what is wrong with it, and no row where all is well.
_ROLE = """
SELECT 'setpoint_runtime', problem
FROM pg_roles, unnest(ARRAY[
    CASE WHEN rolsuper THEN 'is a superuser' END,
    CASE WHEN rolbypassrls THEN 'may bypass row-level security' END,
    CASE WHEN rolcreaterole THEN 'may create roles' END,
    CASE WHEN rolcreatedb THEN 'may create databases' END,
    CASE WHEN rolreplication THEN 'may replicate the cluster' END,
    CASE WHEN rolcanlogin THEN 'may log in' END,
    CASE WHEN has_schema_privilege(oid, 'setpoint', 'CREATE') THEN 'may create in the schema setpoint' END,
    CASE WHEN has_database_privilege(oid, current_database(), 'CREATE') THEN 'may create schemas' END,
    CASE WHEN has_schema_privilege(oid, to_regnamespace('setpoint_jobs'), 'USAGE')
        THEN 'may look into the queue of all workspaces' END,
    CASE WHEN NOT has_schema_privilege(oid, 'setpoint', 'USAGE') THEN 'may not use the schema setpoint' END,
    CASE WHEN NOT has_database_privilege(oid, current_database(), 'TEMPORARY')
        THEN 'may not make the temporary tables of imports and reports' END
]) AS problem
WHERE rolname = 'setpoint_runtime' AND problem IS NOT NULL
UNION ALL
SELECT 'setpoint_runtime', 'is a member of ' || roleid::regrole
FROM pg_auth_members WHERE member = 'setpoint_runtime'::regrole
UNION ALL
-- Temporary tables are gone with their transaction.
SELECT pg_describe_object(classid, objid, objsubid), 'belongs to setpoint_runtime'
FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'setpoint_runtime'::regrole AND deptype = 'o'
    AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND NOT (classid = 'pg_class'::regclass
        AND EXISTS (SELECT FROM pg_class WHERE oid = objid AND relpersistence = 't'))
"""

_PRIVILEGES = """
SELECT relname, 'setpoint_runtime may ' || string_agg(privilege, ', ' ORDER BY privilege)
FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
WHERE relnamespace = 'setpoint'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    AND privilege <> ALL (CASE
        WHEN relispartition OR relname = ANY (:sealed) THEN ARRAY[]::text[]
        WHEN relname = ANY (:read_only) OR relkind = 'v' THEN ARRAY['SELECT']
        WHEN relname = ANY (:append_only) THEN ARRAY['SELECT', 'INSERT']
        WHEN relname = ANY (:expiring) THEN ARRAY['SELECT', 'INSERT', 'DELETE']
        WHEN relname = ANY (:removable) THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
        ELSE ARRAY['SELECT', 'INSERT', 'UPDATE'] END)
    AND CASE WHEN privilege IN ('DELETE', 'TRUNCATE', 'TRIGGER')
        THEN has_table_privilege('setpoint_runtime', oid, privilege)
        ELSE has_any_column_privilege('setpoint_runtime', oid, privilege) END
GROUP BY relname
"""

_ROW_SECURITY = """
WITH tables AS (
    SELECT oid, relname, relrowsecurity, relforcerowsecurity, attnotnull
    FROM pg_class LEFT JOIN pg_attribute ON attrelid = oid AND attname = 'client_id' AND NOT attisdropped
    WHERE relnamespace = 'setpoint'::regnamespace AND relkind IN ('r', 'p', 'f') AND relname <> ALL (:without_tenant)
), policies AS (
    SELECT polrelid, polname, polcmd,
        coalesce(pg_get_expr(polqual, polrelid), :policy) = :policy
            AND coalesce(pg_get_expr(polwithcheck, polrelid), :policy) = :policy
            AND (polqual IS NOT NULL OR polcmd = 'a') AS by_tenant
    FROM pg_policy
    WHERE polpermissive AND EXISTS (
        SELECT FROM unnest(polroles) AS role
        WHERE role = 0 OR pg_has_role('setpoint_runtime', role, 'MEMBER'))
)
SELECT relname, problem
FROM tables, unnest(ARRAY[
    CASE WHEN attnotnull IS NULL THEN 'has no client_id' END,
    CASE WHEN NOT attnotnull THEN 'has rows without a client_id, or may have' END,
    CASE WHEN NOT relrowsecurity THEN 'does not ENABLE row-level security' END,
    CASE WHEN NOT relforcerowsecurity THEN 'does not FORCE row-level security on its owner' END,
    CASE WHEN NOT EXISTS (SELECT FROM policies WHERE polrelid = oid AND by_tenant AND polcmd = '*')
        THEN 'has no policy on client_id' END
]) AS problem
WHERE problem IS NOT NULL
UNION ALL
SELECT relname, 'has the policy ' || quote_ident(polname) || ', which is not the one on client_id'
FROM tables JOIN policies ON polrelid = oid AND NOT by_tenant
UNION ALL
SELECT relname, 'does not ENABLE row-level security'
FROM pg_class WHERE relnamespace = 'setpoint'::regnamespace AND relname = ANY (:sealed) AND NOT relrowsecurity
UNION ALL
SELECT relname, 'has the policy ' || quote_ident(polname) || ', and must have none for the runtime role'
FROM pg_class JOIN policies ON polrelid = pg_class.oid
WHERE relnamespace = 'setpoint'::regnamespace AND relname = ANY (:sealed)
"""

_VIEWS = """
SELECT relname, CASE relkind
    WHEN 'v' THEN 'is a view without security_invoker: it shows what its owner may see'
    ELSE 'is a materialized view: its rows are behind no row-level security' END
FROM pg_class
WHERE relnamespace = 'setpoint'::regnamespace
    AND (relkind = 'm' OR relkind = 'v' AND NOT coalesce((
        SELECT option_value::boolean FROM pg_options_to_table(reloptions) WHERE option_name = 'security_invoker'
    ), false))
"""

_KEYS = """
WITH tenant AS (
    SELECT attrelid, attnum FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'setpoint'::regnamespace AND attname = 'client_id' AND NOT attisdropped
)
SELECT indrelid::regclass || '.' || relname, CASE
    WHEN indisprimary THEN 'is a primary key that does not begin with client_id'
    ELSE 'is a unique key that does not begin with client_id' END
FROM pg_index JOIN tenant ON attrelid = indrelid JOIN pg_class ON pg_class.oid = indexrelid
WHERE (indisunique OR indisexclusion) AND indkey[0] <> attnum AND relname <> ALL (:global_keys)
UNION ALL
SELECT conrelid::regclass || '.' || conname, 'is a foreign key that does not begin with client_id on both sides'
FROM pg_constraint JOIN tenant ON tenant.attrelid = conrelid LEFT JOIN tenant AS target ON target.attrelid = confrelid
WHERE contype = 'f' AND (conkey[1] = tenant.attnum AND confkey[1] = target.attnum) IS NOT TRUE
    -- A person belongs to no workspace.
    AND confrelid <> 'setpoint.users'::regclass
"""

_FUNCTIONS = """
SELECT oid::regprocedure::text, 'runs as its owner without a fixed search_path that ends in pg_temp'
FROM pg_proc
WHERE pronamespace = 'setpoint'::regnamespace AND prosecdef
    AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting ~ '^search_path=.*\\mpg_temp"?$')
UNION ALL
SELECT oid::regprocedure::text, 'runs as its owner for everyone: PUBLIC may execute it'
FROM pg_proc
WHERE pronamespace = 'setpoint'::regnamespace AND prosecdef
    AND EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0)
UNION ALL
SELECT 'current_client()', 'is not the function that every policy relies on'
WHERE NOT EXISTS (
    SELECT FROM pg_proc
    WHERE oid = to_regprocedure('setpoint.current_client()') AND provolatile = 's' AND NOT prosecdef
        AND pg_get_function_sqlbody(oid) = :current_client)
"""

_COLLATIONS = """
SELECT DISTINCT attrelid::regclass || '.' || attname, 'is a key that is not compared as bytes (collation "C")'
FROM (
    SELECT indrelid AS relation, unnest(indkey) AS number FROM pg_index WHERE indisunique
    UNION SELECT conrelid, unnest(conkey) FROM pg_constraint WHERE contype = 'f'
) AS keys JOIN pg_attribute ON attrelid = relation AND attnum = number JOIN pg_class ON pg_class.oid = relation
WHERE relnamespace = 'setpoint'::regnamespace AND relname <> ALL (:without_tenant)
    AND attcollation NOT IN (0, 'pg_catalog."C"'::regcollation)
"""

# Without a right of its own, the owner finds no workspace for the functions that run in its name; a dump that
# another role restores loses that right.
_WORKSPACES = """
SELECT relname, 'may not be searched by its owner ' || relowner::regrole || ': as that role, run `' || CASE
    WHEN EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = 'registry')
    THEN format('ALTER POLICY registry ON setpoint.%I TO %s', relname, relowner::regrole)
    ELSE format('CREATE POLICY registry ON setpoint.%I TO %s USING (true)', relname, relowner::regrole) END || '`'
FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
WHERE relnamespace = 'setpoint'::regnamespace AND relname = ANY (:searched) AND NOT rolsuper AND NOT rolbypassrls
    AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND relowner = ANY (polroles))
UNION ALL
SELECT 'workspace ' || slug, 'has no partition of ' || parent
FROM setpoint.workspaces, unnest(ARRAY['messages', 'message_texts']) AS parent
WHERE NOT EXISTS (
    SELECT FROM pg_inherits
    WHERE inhparent = ('setpoint.' || parent)::regclass
        AND inhrelid = to_regclass('setpoint.' || parent || '_' || client_id))
"""

_CHECKS: Final = {
    "runtime role": _ROLE,
    "privileges": _PRIVILEGES,
    "row-level security": _ROW_SECURITY,
    "views": _VIEWS,
    "keys": _KEYS,
    "functions": _FUNCTIONS,
    "collations": _COLLATIONS,
    "workspaces": _WORKSPACES,
}


async def inspect(connection: AsyncConnection) -> list[Finding]:
    """Find what is wrong with a database, on an owner connection; an empty list is good news.

    Server and schema come first, and where they do not suit nothing else is looked at.
    """
    for check, requirement in (("server", migrate.check_server), ("schema", migrate.check_current)):
        try:
            await connection.run_sync(requirement)
        except DatabaseUnavailable as error:
            return [Finding(check, "database", error.message)]
    if await connection.scalar(text("SELECT to_regrole('setpoint_runtime')")) is None:
        problem = "does not exist in this cluster: create it, then restore the database once more."
        return [Finding("runtime role", "setpoint_runtime", problem)]
    return [
        Finding(check, *row)
        for check, query in _CHECKS.items()
        for row in sorted(await connection.execute(text(query), _PARAMETERS))
    ]
