"""Models: their settings, the words that workspaces give prompts, the calls and the answers that are kept."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = "'^[a-z][a-z0-9_.]{0,127}$'"
SHA256 = "'^[0-9a-f]{64}$'"

TABLES = f"""
CREATE TABLE model_settings (
    client_id integer NOT NULL REFERENCES workspaces,
    revision integer NOT NULL CHECK (revision > 0),
    model text,
    base_url text,
    effort text COLLATE "C" CHECK (effort IN ('low', 'medium', 'high')),
    daily_usd numeric CHECK (daily_usd >= 0),
    run_usd numeric CHECK (run_usd >= 0),
    daily_tokens bigint CHECK (daily_tokens >= 0),
    run_tokens bigint CHECK (run_tokens >= 0),
    input_price numeric CHECK (input_price >= 0),
    output_price numeric CHECK (output_price >= 0),
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, revision)
);
CREATE TABLE prompt_overrides (
    client_id integer NOT NULL REFERENCES workspaces,
    prompt_key text COLLATE "C" NOT NULL CHECK (prompt_key ~ {NAME}),
    revision integer NOT NULL CHECK (revision > 0),
    prompt_version integer NOT NULL,
    messages jsonb,
    author text NOT NULL,
    approver text NOT NULL CHECK (approver <> author),
    created_at timestamptz NOT NULL DEFAULT now(),
    restores integer CHECK (restores >= 0 AND restores < revision),
    PRIMARY KEY (client_id, prompt_key, revision)
);
CREATE TABLE snippets (
    client_id integer NOT NULL REFERENCES workspaces,
    name text COLLATE "C" NOT NULL CHECK (name ~ {NAME}),
    revision integer NOT NULL CHECK (revision > 0),
    text text,
    author text NOT NULL,
    approver text NOT NULL CHECK (approver <> author),
    created_at timestamptz NOT NULL DEFAULT now(),
    restores integer CHECK (restores >= 0 AND restores < revision),
    PRIMARY KEY (client_id, name, revision)
);
-- Numbers and names of kinds: nothing here has room for what somebody wrote.
CREATE TABLE ai_calls (
    client_id integer NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    feature text COLLATE "C" NOT NULL CHECK (feature ~ {NAME}),
    prompt_key text COLLATE "C" NOT NULL CHECK (prompt_key ~ {NAME}),
    prompt_version integer NOT NULL,
    prompt_hash text COLLATE "C" NOT NULL CHECK (prompt_hash ~ {SHA256}),
    model text COLLATE "C" NOT NULL CHECK (length(model) <= 200),
    effort text COLLATE "C" CHECK (effort IN ('low', 'medium', 'high')),
    run_id uuid,
    status text COLLATE "C" NOT NULL CHECK (status IN ('started', 'ok', 'cached', 'timeout', 'rate_limited',
        'refused', 'invalid_output', 'provider_error', 'budget_exceeded', 'no_model', 'cancelled')),
    error_kind text COLLATE "C" CHECK (error_kind ~ '^[A-Z][A-Za-z]{{1,39}}$'),
    attempts integer NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_tokens bigint NOT NULL,
    cost_usd numeric,
    held_usd numeric,
    held_tokens bigint NOT NULL,
    latency_ms integer NOT NULL,
    metadata jsonb NOT NULL,
    PRIMARY KEY (client_id, id)
);
CREATE INDEX ai_calls_by_time ON ai_calls (client_id, created_at);
CREATE INDEX ai_calls_by_run ON ai_calls (client_id, run_id);
CREATE TABLE llm_cache (
    client_id integer NOT NULL REFERENCES workspaces,
    key text COLLATE "C" NOT NULL CHECK (key ~ {SHA256}),
    prompt_key text COLLATE "C" NOT NULL,
    value jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, key)
);
CREATE INDEX llm_cache_by_expiry ON llm_cache (client_id, expires_at);
"""

# Who may append may not change. A call is written again until it has ended, and then never.
SECURITY = """
SELECT secure_tenant_table(name::regclass)
FROM unnest(ARRAY['model_settings', 'prompt_overrides', 'snippets', 'ai_calls', 'llm_cache']) AS name;
CREATE POLICY until_ended ON ai_calls AS RESTRICTIVE FOR UPDATE USING (status = 'started') WITH CHECK (true);

GRANT SELECT, INSERT ON model_settings, prompt_overrides, snippets TO setpoint_runtime;
GRANT SELECT, INSERT, UPDATE ON ai_calls TO setpoint_runtime;
GRANT SELECT, INSERT, DELETE ON llm_cache TO setpoint_runtime;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(SECURITY)


def downgrade() -> None:
    raise RuntimeError("What calls cost is not thrown away: restore a backup instead.")
