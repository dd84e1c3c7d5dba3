"""How many leads a report is about stands beside it: a list of runs need not read every report to tell."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE report_runs ADD COLUMN cohort_leads integer"
        " GENERATED ALWAYS AS ((document->>'cohort_leads')::integer) STORED"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE report_runs DROP COLUMN cohort_leads")
