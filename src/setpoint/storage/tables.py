"""The tables, as SQLAlchemy Core sees them. The migrations make them; a test holds the two against each other.

Every tenant table begins its keys with `client_id`. Facts are keyed by the caller's external ids, compared as
bytes (collation "C"), so that order never depends on ids the database made up. What people wrote lives in
tables of its own (`message_texts`, `draft_texts`): analysis never touches their pages.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

Identifier = Text(collation="C")
Instant = DateTime(timezone=True)


def _required(name: str, kind: Text | DateTime | Integer = Identifier) -> Column[object]:
    return Column(name, kind, nullable=False)


def _belongs_to(table: str, column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["client_id", column], [f"{table}.client_id", f"{table}.external_id"])


workspaces = Table(
    "workspaces",
    metadata,
    Column("client_id", Integer, Identity(always=True), primary_key=True),
    Column("slug", Identifier, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    UniqueConstraint("slug"),
)


def _belongs_to_workspace() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["client_id"], ["workspaces.client_id"])


campaigns = Table(
    "campaigns",
    metadata,
    _required("client_id", Integer()),
    _required("external_id"),
    Column("name", Text),
    Column("channel", Identifier),
    Column("response_mode", Identifier),
    PrimaryKeyConstraint("client_id", "external_id"),
    _belongs_to_workspace(),
)

leads = Table(
    "leads",
    metadata,
    _required("client_id", Integer()),
    _required("external_id"),
    Column("email", Text),
    Column("phone", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("company", Text),
    Column("timezone", Text),
    Column("campaign", Identifier),
    Column("booked_hint", Boolean),
    Column("opted_out", Boolean),
    Column("created_at", Instant),
    PrimaryKeyConstraint("client_id", "external_id"),
    _belongs_to_workspace(),
)

drafts = Table(
    "drafts",
    metadata,
    _required("client_id", Integer()),
    _required("external_id"),
    _required("lead_external_id"),
    _required("channel"),
    Column("created_at", Instant),
    Column("auto_send_confidence", Double),
    Column("auto_send_action", Identifier),
    Column("auto_send_threshold", Double),
    Column("response_disposition", Identifier),
    PrimaryKeyConstraint("client_id", "external_id"),
    Index("drafts_by_lead", "client_id", "lead_external_id"),
    _belongs_to("leads", "lead_external_id"),
)

draft_texts = Table(
    "draft_texts",
    metadata,
    _required("client_id", Integer()),
    _required("external_id"),
    Column("body", Text),
    PrimaryKeyConstraint("client_id", "external_id"),
    _belongs_to("drafts", "external_id"),
)

messages = Table(
    "messages",
    metadata,
    _required("client_id", Integer()),
    _required("sent_at", Instant),
    _required("external_id"),
    _required("lead_external_id"),
    _required("channel"),
    _required("direction"),
    Column("kind", Identifier),
    Column("status", Identifier),
    Column("sent_by", Identifier),
    Column("sender_email", Text),
    Column("ai_draft_external_id", Identifier),
    Column("response_disposition", Identifier),
    PrimaryKeyConstraint("client_id", "external_id"),
    _belongs_to("leads", "lead_external_id"),
    postgresql_partition_by="LIST (client_id)",
)

message_texts = Table(
    "message_texts",
    metadata,
    _required("client_id", Integer()),
    _required("external_id"),
    Column("subject", Text),
    Column("body", Text),
    PrimaryKeyConstraint("client_id", "external_id"),
    postgresql_partition_by="LIST (client_id)",
)

appointments = Table(
    "appointments",
    metadata,
    _required("client_id", Integer()),
    _required("external_id"),
    _required("lead_external_id"),
    Column("provider", Identifier),
    Column("status", Identifier, nullable=False),
    Column("booked_at", Instant),
    Column("starts_at", Instant),
    Column("canceled_at", Instant),
    Column("rescheduled_from", Identifier),
    # Derived from the reschedule chain whenever an appointment of the lead is written (ingest.bookings).
    Column("booking_instant", Instant),
    PrimaryKeyConstraint("client_id", "external_id"),
    _belongs_to("leads", "lead_external_id"),
    Index("appointments_by_lead", "client_id", "lead_external_id"),
)

report_runs = Table(
    "report_runs",
    metadata,
    _required("client_id", Integer()),
    Column("id", Uuid, nullable=False),
    Column("status", Identifier, nullable=False),
    Column("author", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("dataset_sha256", Text),
    Column("document", JSONB),
    Column("failure", Text),
    # Carried out by the command that asked for it, and not by whoever takes its job.
    Column("in_foreground", Boolean, nullable=False, server_default=text("true")),
    Column("with_model", Boolean, nullable=False, server_default=text("true")),
    # The Monday whose weekly report it is.
    Column("scheduled_for", Instant),
    # How often it was begun, and who may end it: whoever holds the lease, as long as the heart beats.
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("lease", Uuid),
    Column("heartbeat_at", Instant),
    Column("progress", JSONB(none_as_null=True)),
    Column("cohort_leads", Integer, Computed("(document->>'cohort_leads')::integer", persisted=True)),
    PrimaryKeyConstraint("client_id", "id"),
    UniqueConstraint("client_id", "scheduled_for", name="report_runs_once_a_week"),
    Index("report_runs_by_time", "client_id", "created_at"),
    Index("report_runs_unended", "client_id", postgresql_where=text("status IN ('queued', 'running')")),
    _belongs_to_workspace(),
)

model_settings = Table(
    "model_settings",
    metadata,
    _required("client_id", Integer()),
    _required("revision", Integer()),
    # A revision without a model says that the workspace has none.
    Column("model", Text),
    Column("base_url", Text),
    Column("effort", Identifier),
    Column("daily_usd", Numeric),
    Column("run_usd", Numeric),
    Column("daily_tokens", BigInteger),
    Column("run_tokens", BigInteger),
    Column("input_price", Numeric),
    Column("output_price", Numeric),
    Column("author", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("client_id", "revision"),
    _belongs_to_workspace(),
)

prompt_overrides = Table(
    "prompt_overrides",
    metadata,
    _required("client_id", Integer()),
    _required("prompt_key"),
    _required("revision", Integer()),
    _required("prompt_version", Integer()),
    Column("messages", JSONB(none_as_null=True)),
    Column("author", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("restores", Integer),
    PrimaryKeyConstraint("client_id", "prompt_key", "revision"),
    _belongs_to_workspace(),
)

snippets = Table(
    "snippets",
    metadata,
    _required("client_id", Integer()),
    _required("name"),
    _required("revision", Integer()),
    Column("text", Text),
    Column("author", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("restores", Integer),
    PrimaryKeyConstraint("client_id", "name", "revision"),
    _belongs_to_workspace(),
)

ai_calls = Table(
    "ai_calls",
    metadata,
    _required("client_id", Integer()),
    Column("id", Uuid, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    _required("feature"),
    _required("prompt_key"),
    _required("prompt_version", Integer()),
    _required("prompt_hash"),
    _required("model"),
    Column("effort", Identifier),
    Column("run_id", Uuid),
    _required("status"),
    Column("error_kind", Identifier),
    _required("attempts", Integer()),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    # None where no price is known, which is not zero.
    Column("cost_usd", Numeric),
    # What counts against the caps: known to be spent, or at worst.
    Column("held_usd", Numeric),
    Column("held_tokens", BigInteger, nullable=False),
    _required("latency_ms", Integer()),
    Column("metadata", JSONB, nullable=False),
    PrimaryKeyConstraint("client_id", "id"),
    Index("ai_calls_by_time", "client_id", "created_at"),
    Index("ai_calls_by_run", "client_id", "run_id"),
    _belongs_to_workspace(),
)

llm_cache = Table(
    "llm_cache",
    metadata,
    _required("client_id", Integer()),
    _required("key"),
    _required("prompt_key"),
    Column("value", JSONB, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("client_id", "key"),
    Index("llm_cache_by_expiry", "client_id", "expires_at"),
    _belongs_to_workspace(),
)

report_evidence = Table(
    "report_evidence",
    metadata,
    _required("client_id", Integer()),
    Column("run_id", Uuid, nullable=False),
    _required("citation"),
    _required("place", Integer()),
    _required("message_external_id"),
    _required("outcome"),
    PrimaryKeyConstraint("client_id", "run_id", "citation", "place"),
    ForeignKeyConstraint(["client_id", "run_id"], ["report_runs.client_id", "report_runs.id"]),
)

context_packs = Table(
    "context_packs",
    metadata,
    _required("client_id", Integer()),
    Column("id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    _required("scope_key"),
    _required("status"),
    Column("author", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("document", JSONB(none_as_null=True)),
    Column("failure", Text),
    PrimaryKeyConstraint("client_id", "id"),
    Index(
        "context_packs_complete",
        "client_id",
        "scope_key",
        unique=True,
        postgresql_where=text("status = 'complete'"),
    ),
    Index("context_packs_by_time", "client_id", "created_at"),
    ForeignKeyConstraint(["client_id", "run_id"], ["report_runs.client_id", "report_runs.id"]),
)

insight_sessions = Table(
    "insight_sessions",
    metadata,
    _required("client_id", Integer()),
    Column("id", Uuid, nullable=False),
    Column("author", Text, nullable=False),
    _required("role"),
    Column("pack_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("client_id", "id"),
    Index("insight_sessions_by_time", "client_id", "created_at"),
    ForeignKeyConstraint(["client_id", "pack_id"], ["context_packs.client_id", "context_packs.id"]),
)

insight_answers = Table(
    "insight_answers",
    metadata,
    _required("client_id", Integer()),
    Column("session_id", Uuid, nullable=False),
    _required("place", Integer()),
    Column("question", Text, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("asked_at", Instant, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("client_id", "session_id", "place"),
    ForeignKeyConstraint(["client_id", "session_id"], ["insight_sessions.client_id", "insight_sessions.id"]),
)

booked_summaries = Table(
    "booked_summaries",
    metadata,
    _required("client_id", Integer()),
    _required("lead_external_id"),
    _required("booking_instant", Instant),
    Column("content", JSONB, nullable=False),
    _required("source"),
    Column("model", Identifier),
    Column("prompt_key", Identifier),
    Column("prompt_version", Integer),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("client_id", "lead_external_id"),
    Index("booked_summaries_by_booking", "client_id", "booking_instant"),
    _belongs_to("leads", "lead_external_id"),
)

workspace_settings = Table(
    "workspace_settings",
    metadata,
    _required("client_id", Integer()),
    Column("weekly_report", Boolean, nullable=False, server_default=text("false")),
    Column("weekly_since", Instant),
    Column("weekly_window_days", Integer, nullable=False, server_default=text("84")),
    # What new reports begin with.
    Column("attribution_days", Integer, nullable=False, server_default=text("14")),
    Column("maturity_days", Integer, nullable=False, server_default=text("7")),
    Column("booking_provider", Identifier, nullable=False, server_default=text("'none'")),
    PrimaryKeyConstraint("client_id"),
    _belongs_to_workspace(),
)

# People. The first five belong to no workspace, and the runtime role may touch none of them: functions of the
# database look up one account, session or identity at a time (migrations 0004 and 0009).
users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    _required("email"),
    Column("email_verified", Boolean, nullable=False, server_default=text("false")),
    Column("name", Text, nullable=False),
    Column("password_hash", Identifier),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("disabled_at", Instant),
    UniqueConstraint("email"),
)


def _belongs_to_user(column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint([column], ["users.id"])


identities = Table(
    "identities",
    metadata,
    _required("issuer"),
    _required("subject"),
    Column("user_id", Uuid, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("issuer", "subject"),
    UniqueConstraint("user_id", "issuer"),
    _belongs_to_user("user_id"),
)

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("token_sha256", Identifier, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    _required("created_at", Instant),
    _required("last_seen_at", Instant),
    _required("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Index("user_sessions_by_user", "user_id"),
    _belongs_to_user("user_id"),
)

password_links = Table(
    "password_links",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    _required("token_sha256"),
    _required("created_at", Instant),
    _required("expires_at", Instant),
    UniqueConstraint("token_sha256"),
    _belongs_to_user("user_id"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    _required("kind"),
    _required("key_sha256"),
    _required("window_began_at", Instant),
    _required("attempts", Integer()),
    PrimaryKeyConstraint("kind", "key_sha256"),
    Index("sign_in_attempts_by_time", "window_began_at"),
)

memberships = Table(
    "memberships",
    metadata,
    _required("client_id", Integer()),
    Column("user_id", Uuid, nullable=False),
    _required("role"),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("added_by", Text, nullable=False),
    PrimaryKeyConstraint("client_id", "user_id"),
    Index("memberships_by_user", "user_id"),
    _belongs_to_workspace(),
    _belongs_to_user("user_id"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _required("client_id", Integer()),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    _required("role"),
    _required("token_sha256"),
    _required("prefix"),
    Column("created_by", Text, nullable=False),
    # None where the operator made it, on the command line.
    Column("created_by_user", Uuid),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("client_id", "id"),
    Index("api_tokens_by_hash", "token_sha256"),
    _belongs_to_workspace(),
    _belongs_to_user("created_by_user"),
)

invitations = Table(
    "invitations",
    metadata,
    _required("client_id", Integer()),
    Column("id", Uuid, nullable=False),
    _required("email"),
    _required("role"),
    _required("token_sha256"),
    Column("created_by", Text, nullable=False),
    Column("created_by_user", Uuid),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    _required("expires_at", Instant),
    Column("accepted_at", Instant),
    Column("accepted_by_user", Uuid),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("client_id", "id"),
    Index("invitations_by_hash", "token_sha256"),
    Index("invitations_by_email", "email"),
    _belongs_to_workspace(),
    _belongs_to_user("created_by_user"),
    _belongs_to_user("accepted_by_user"),
)

api_answers = Table(
    "api_answers",
    metadata,
    _required("client_id", Integer()),
    _required("key"),
    _required("asked_sha256"),
    Column("answer", JSONB),
    _required("created_at", Instant),
    PrimaryKeyConstraint("client_id", "key"),
    Index("api_answers_by_time", "client_id", "created_at"),
    _belongs_to_workspace(),
)
