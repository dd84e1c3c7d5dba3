"""Your own database, from nothing to ready."""

import psycopg
from tests.app.console import Console


def test_a_database_of_your_own_is_migrated_when_you_say_so(unmigrated: str) -> None:
    yours = Console({"SETPOINT_DATABASE_URL": unmigrated})

    assert "run `setpoint migrate`" in yours("workspace", "create", "acme").complains(1)
    assert yours("migrate").out == "The database was migrated.\n"
    assert yours("migrate").out == "The database is up to date.\n"
    assert yours("workspace", "create", "acme").status == 0


def test_the_doctor_finds_what_should_not_be_so(unmigrated: str) -> None:
    yours = Console({"SETPOINT_DATABASE_URL": unmigrated})
    yours("migrate")

    assert yours("doctor").out.startswith("All is well")
    queue = {"waiting": 0, "under_way": 0, "oldest_seconds": None, "workers": 0, "weekly_workspaces": 0}
    assert yours("doctor", "--json").json == {"findings": [], "queue": queue}

    with psycopg.connect(unmigrated) as connection:
        connection.execute("ALTER TABLE setpoint.leads NO FORCE ROW LEVEL SECURITY")
    ill = yours("doctor")
    assert (ill.status, ill.err) == (1, "setpoint: The doctor found one thing to mend; see above.\n")
    assert ill.out.startswith("row-level security: leads ")
    assert yours("doctor", "--json").out.startswith('{\n  "findings": [\n')


def test_the_doctor_tells_of_work_that_nobody_does(unmigrated: str) -> None:
    yours = Console({"SETPOINT_DATABASE_URL": unmigrated})
    yours("migrate")
    yours("workspace", "create", "acme")
    yours("schedule", "on", "--workspace", "acme")
    yours("report", "run", "--workspace", "acme", "--from", "2026-03-01", "--to", "2026-06-01", "--queue")

    young = yours("doctor", "--json").json
    assert young["findings"] == []
    assert (young["queue"]["waiting"], young["queue"]["weekly_workspaces"]) == (1, 1)

    with psycopg.connect(unmigrated) as connection:
        connection.execute("UPDATE setpoint_jobs.procrastinate_events SET at = at - interval '31 minutes'")
    old = yours("doctor")
    assert old.status == 1
    assert "workers: queue has had work for 31 minutes, and no worker: start `setpoint worker`" in old.words

    with psycopg.connect(unmigrated) as connection:
        connection.execute("INSERT INTO setpoint_jobs.procrastinate_workers DEFAULT VALUES")
    busy = yours("doctor")
    assert (busy.status, busy.err) == (0, "")
    assert "workers in the last half minute: 1" in busy.words
