"""The API: what was answered to a request with an idempotency key."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
-- Written in the transaction of what was asked for: an answer is there exactly where its effect is.
CREATE TABLE api_answers (
    client_id integer NOT NULL REFERENCES workspaces,
    key text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    asked_sha256 text COLLATE "C" NOT NULL CHECK (asked_sha256 ~ '^[0-9a-f]{64}$'),
    answer jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, key)
);
CREATE INDEX api_answers_by_time ON api_answers (client_id, created_at);

SELECT secure_tenant_table('api_answers');
GRANT SELECT, INSERT, UPDATE, DELETE ON api_answers TO setpoint_runtime;
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE api_answers")
