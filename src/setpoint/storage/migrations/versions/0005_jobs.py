"""Jobs: the queue, leases and progress of report runs, and the weekly report of workspaces that want one."""

from importlib.resources import files

from alembic import op
from sqlalchemy import text

from setpoint.domain.errors import DatabaseUnavailable

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
-- A run without a row in the queue is one that a command carries out itself; so are all that were made before.
ALTER TABLE report_runs
    ADD COLUMN in_foreground boolean NOT NULL DEFAULT true,
    ADD COLUMN with_model boolean NOT NULL DEFAULT true,
    ADD COLUMN scheduled_for timestamptz,
    ADD COLUMN attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    ADD COLUMN lease uuid,
    ADD COLUMN heartbeat_at timestamptz,
    ADD COLUMN progress jsonb,
    ADD CONSTRAINT report_runs_once_a_week UNIQUE (client_id, scheduled_for);
CREATE INDEX report_runs_unended ON report_runs (client_id) WHERE status IN ('queued', 'running');

CREATE TABLE workspace_settings (
    client_id integer NOT NULL REFERENCES workspaces,
    weekly_report boolean NOT NULL DEFAULT false,
    weekly_since timestamptz,
    weekly_window_days integer NOT NULL DEFAULT 84
        CHECK (weekly_window_days BETWEEN 7 AND 3660 AND weekly_window_days % 7 = 0),
    PRIMARY KEY (client_id),
    CHECK (NOT weekly_report OR weekly_since IS NOT NULL)
);
SELECT secure_tenant_table('workspace_settings');
GRANT SELECT, INSERT, UPDATE ON workspace_settings TO setpoint_runtime;
"""

# The runtime role sees nothing of the queue, where the jobs of all workspaces stand. It may put a job there for a
# run of the workspace that it has entered, and ask which workspaces want a weekly report.
FUNCTIONS = """
CREATE FUNCTION enqueue_report_run(wanted uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint_jobs, pg_temp AS $$
DECLARE
    client integer := setpoint.current_client();
BEGIN
    IF NOT EXISTS (
        SELECT FROM setpoint.report_runs
        WHERE client_id = client AND id = wanted AND status = 'queued' AND NOT in_foreground
    ) THEN
        RAISE 'There is no report run to enqueue.';
    END IF;
    RETURN (procrastinate_defer_jobs_v1(ARRAY[ROW(
        'reports', 'report_run', 0, 'reports of ' || client, 'run ' || wanted,
        jsonb_build_object('client_id', client, 'run_id', wanted), NULL
    )::procrastinate_job_to_defer_v1]))[1];
END
$$;

-- Its owner is behind the policies as well, and so enters one workspace after the other.
CREATE FUNCTION weekly_report_clients() RETURNS SETOF integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
DECLARE
    entered text := coalesce(current_setting('setpoint.client_id', true), '');
    client integer;
BEGIN
    FOR client IN SELECT client_id FROM workspaces ORDER BY client_id LOOP
        PERFORM set_config('setpoint.client_id', client::text, true);
        IF EXISTS (SELECT FROM workspace_settings WHERE client_id = client AND weekly_report) THEN
            RETURN NEXT client;
        END IF;
    END LOOP;
    PERFORM set_config('setpoint.client_id', entered, true);
END
$$;

REVOKE ALL ON FUNCTION enqueue_report_run(uuid), weekly_report_clients() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enqueue_report_run(uuid), weekly_report_clients() TO setpoint_runtime;
"""


def upgrade() -> None:
    _make_queue()
    op.execute(TABLES)
    op.execute(FUNCTIONS)


def _make_queue() -> None:
    connection = op.get_bind()
    if connection.scalar(text("SELECT to_regnamespace('setpoint_jobs')")) is None:
        if not connection.scalar(text("SELECT has_database_privilege(current_database(), 'CREATE')")):
            owner = connection.scalar(text("SELECT quote_ident(current_user)"))
            raise DatabaseUnavailable(
                "The queue of jobs needs a schema of its own: have an administrator run"
                f" `CREATE SCHEMA setpoint_jobs AUTHORIZATION {owner}`, then run `setpoint migrate` again."
            )
        op.execute("CREATE SCHEMA setpoint_jobs")
    path = connection.scalar(text("SELECT current_setting('search_path')"))
    op.execute("SET LOCAL search_path = setpoint_jobs, pg_temp")
    # A release with another schema needs a migration of its own here: a test tells when one is installed.
    op.execute(files("procrastinate").joinpath("sql/schema.sql").read_text(encoding="utf-8"))
    connection.execute(text("SELECT set_config('search_path', :path, true)"), {"path": path})


def downgrade() -> None:
    raise RuntimeError("Runs that wait in the queue are not thrown away: restore a backup instead.")
