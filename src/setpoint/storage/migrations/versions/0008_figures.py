"""Figures of the service as a whole, for whoever watches over it: how many runs and jobs there are, and not whose."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The runtime role sees the rows of one workspace, and nothing of the queue. Here it gets sums over all of them. The
# function's owner is behind the policies as well, and so enters one workspace after the other.
FUNCTIONS = """
CREATE FUNCTION service_figures() RETURNS TABLE (figure text, label text, value bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
DECLARE
    entered text := coalesce(current_setting('setpoint.client_id', true), '');
    client integer;
    runs jsonb := '{}';
    weekly bigint := 0;
BEGIN
    FOR client IN SELECT client_id FROM workspaces LOOP
        PERFORM set_config('setpoint.client_id', client::text, true);
        SELECT runs || coalesce(jsonb_object_agg(status, coalesce((runs->>status)::bigint, 0) + n), '{}') INTO runs
        FROM (SELECT status, count(*) AS n FROM report_runs WHERE client_id = client GROUP BY status) AS counted;
        weekly := weekly + (SELECT count(*) FROM workspace_settings WHERE client_id = client AND weekly_report);
    END LOOP;
    PERFORM set_config('setpoint.client_id', entered, true);
    RETURN QUERY SELECT 'runs', key, each.value::bigint FROM jsonb_each_text(runs) AS each (key, value);
    RETURN QUERY SELECT 'weekly_workspaces', '', weekly;
    RETURN QUERY SELECT 'jobs_' || status, queue_name::text, count(*)
        FROM setpoint_jobs.procrastinate_jobs WHERE status IN ('todo', 'doing') GROUP BY status, queue_name;
    RETURN QUERY SELECT 'workers', '', count(*)
        FROM setpoint_jobs.procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds';
    -- When the oldest job that waits could have been taken up, in seconds: no row where none waits.
    RETURN QUERY SELECT 'waiting_seconds', '', extract(epoch FROM now() - min(greatest(at, scheduled_at)))::bigint
        FROM setpoint_jobs.procrastinate_jobs AS job JOIN setpoint_jobs.procrastinate_events AS event
            ON event.job_id = job.id AND event.type IN ('deferred', 'deferred_for_retry')
        WHERE job.status = 'todo' AND coalesce(scheduled_at <= now(), true)
        HAVING count(*) > 0;
END
$$;

REVOKE ALL ON FUNCTION service_figures() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION service_figures() TO setpoint_runtime;
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute("DROP FUNCTION service_figures()")
