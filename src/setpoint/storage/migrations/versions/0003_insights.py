"""Insights: what a report's claims rest on, context packs, sessions with their answers, booked conversations."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SHA256 = "'^[0-9a-f]{64}$'"
NAME = "'^[a-z][a-z0-9_.]{0,127}$'"

TABLES = f"""
-- Ids only: what the messages say stays in its own table, and is redacted whenever it is looked at.
CREATE TABLE report_evidence (
    client_id integer NOT NULL,
    run_id uuid NOT NULL,
    citation text COLLATE "C" NOT NULL CHECK (length(citation) BETWEEN 1 AND 200),
    place integer NOT NULL CHECK (place > 0),
    message_external_id text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL
        CHECK (outcome IN ('BOOKED', 'NOT_BOOKED', 'PENDING', 'BOOKED_NO_TIMESTAMP', 'UNATTRIBUTED', '')),
    PRIMARY KEY (client_id, run_id, citation, place),
    FOREIGN KEY (client_id, run_id) REFERENCES report_runs
);
CREATE TABLE context_packs (
    client_id integer NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    scope_key text COLLATE "C" NOT NULL CHECK (scope_key ~ {SHA256}),
    status text COLLATE "C" NOT NULL CHECK (status IN ('queued', 'running', 'complete', 'failed')),
    author text NOT NULL,
    code_version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    document jsonb CHECK ((status = 'complete') = (document IS NOT NULL)),
    failure text,
    PRIMARY KEY (client_id, id),
    FOREIGN KEY (client_id, run_id) REFERENCES report_runs
);
-- One pack answers for one scope; a failed one, or one whose worker died, stands in nobody's way.
CREATE UNIQUE INDEX context_packs_complete ON context_packs (client_id, scope_key) WHERE status = 'complete';
CREATE INDEX context_packs_by_time ON context_packs (client_id, created_at);
CREATE TABLE insight_sessions (
    client_id integer NOT NULL,
    id uuid NOT NULL,
    author text NOT NULL,
    role text COLLATE "C" NOT NULL CHECK (role IN ('setter', 'admin')),
    pack_id uuid NOT NULL,
    title text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, id),
    FOREIGN KEY (client_id, pack_id) REFERENCES context_packs
);
CREATE INDEX insight_sessions_by_time ON insight_sessions (client_id, created_at);
CREATE TABLE insight_answers (
    client_id integer NOT NULL,
    session_id uuid NOT NULL,
    place integer NOT NULL CHECK (place > 0),
    question text NOT NULL CHECK (length(question) BETWEEN 1 AND 2000),
    answer jsonb NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, session_id, place),
    FOREIGN KEY (client_id, session_id) REFERENCES insight_sessions
);
CREATE TABLE booked_summaries (
    client_id integer NOT NULL,
    lead_external_id text COLLATE "C" NOT NULL,
    booking_instant timestamptz NOT NULL,
    content jsonb NOT NULL,
    source text COLLATE "C" NOT NULL CHECK (source IN ('model', 'statistics')),
    model text COLLATE "C" CHECK (length(model) <= 200),
    prompt_key text COLLATE "C" CHECK (prompt_key ~ {NAME}),
    prompt_version integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, lead_external_id),
    FOREIGN KEY (client_id, lead_external_id) REFERENCES leads,
    CHECK ((source = 'model') = (model IS NOT NULL AND prompt_key IS NOT NULL AND prompt_version IS NOT NULL))
);
CREATE INDEX booked_summaries_by_booking ON booked_summaries (client_id, booking_instant);
"""

# What was asked, what was answered and what a report rests on is never written again.
SECURITY = """
SELECT secure_tenant_table(name::regclass)
FROM unnest(ARRAY['report_evidence', 'context_packs', 'insight_sessions', 'insight_answers', 'booked_summaries'])
    AS name;

GRANT SELECT, INSERT ON report_evidence, insight_sessions, insight_answers TO setpoint_runtime;
GRANT SELECT, INSERT, UPDATE ON context_packs, booked_summaries TO setpoint_runtime;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(SECURITY)


def downgrade() -> None:
    raise RuntimeError("What was asked and answered is not thrown away: restore a backup instead.")
