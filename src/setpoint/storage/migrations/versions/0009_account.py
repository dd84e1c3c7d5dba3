"""What people do with their own account: their sessions by name, ways to sign in, and links to a new password."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A session is named by an id of its own: its owner sees it, and what is kept of its token stays unseen.
SESSIONS = """
ALTER TABLE user_sessions ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();

CREATE FUNCTION account_sessions(sha256 text, at timestamptz, idle interval)
RETURNS TABLE (id uuid, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, is_this boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT id, created_at, last_seen_at, expires_at, token_sha256 = sha256 FROM user_sessions
    WHERE user_id = live_session(sha256, at, idle)
        AND revoked_at IS NULL AND expires_at > at AND last_seen_at + idle > at
    ORDER BY token_sha256 = sha256 DESC, last_seen_at DESC, created_at DESC, id
$$;

-- One of whoever has the session `sha256`; false where it is nobody's, another's, or over.
CREATE FUNCTION revoke_account_session(sha256 text, wanted uuid, at timestamptz, idle interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
BEGIN
    UPDATE user_sessions SET revoked_at = at
    WHERE user_sessions.id = wanted AND user_id = live_session(sha256, at, idle) AND revoked_at IS NULL;
    RETURN FOUND;
END
$$;

-- It tells when the session began, besides: an account without a password has a fresh sign-in for its proof.
DROP FUNCTION session_password(text, timestamptz, interval);
CREATE FUNCTION session_password(sha256 text, at timestamptz, idle interval)
RETURNS TABLE (email text, password_hash text, began_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT email, password_hash, user_sessions.created_at
    FROM users JOIN user_sessions ON user_id = users.id AND token_sha256 = sha256
    WHERE users.id = live_session(sha256, at, idle)
$$;
"""

IDENTITIES = """
CREATE FUNCTION ways_in(sha256 text, from_issuer text, at timestamptz, idle interval)
RETURNS TABLE (has_password boolean, connected_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT password_hash IS NOT NULL, identities.created_at
    FROM users LEFT JOIN identities ON user_id = users.id AND issuer = from_issuer
    WHERE users.id = live_session(sha256, at, idle)
$$;

-- False where there is none, or no password: nobody locks themselves out.
CREATE FUNCTION remove_identity(sha256 text, from_issuer text, at timestamptz, idle interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
BEGIN
    DELETE FROM identities USING users
    WHERE users.id = live_session(sha256, at, idle) AND password_hash IS NOT NULL
        AND user_id = users.id AND issuer = from_issuer;
    RETURN FOUND;
END
$$;
"""

# The operator makes a link, as the owner; the runtime role has no right on the table.
LINKS = """
CREATE TABLE password_links (
    user_id uuid PRIMARY KEY REFERENCES users,
    token_sha256 text COLLATE "C" NOT NULL UNIQUE CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
ALTER TABLE password_links ENABLE ROW LEVEL SECURITY;

-- A link was made for an account as it was: it ends with another password or address, and when the account is shut.
CREATE FUNCTION end_password_link() RETURNS trigger
LANGUAGE plpgsql SET search_path = setpoint, pg_temp AS $$
BEGIN
    DELETE FROM password_links WHERE user_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER end_password_link AFTER UPDATE ON users FOR EACH ROW
WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash OR OLD.email <> NEW.email
    OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at)
EXECUTE FUNCTION end_password_link();

CREATE FUNCTION find_password_link(sha256 text, at timestamptz) RETURNS TABLE (email text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT email, expires_at FROM password_links JOIN users ON users.id = user_id
    WHERE token_sha256 = sha256 AND expires_at > at AND disabled_at IS NULL
$$;

-- The account comes first, as wherever a password changes; of two at once the second finds no link any longer.
CREATE FUNCTION use_password_link(sha256 text, new_hash text, at timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
DECLARE
    account uuid;
BEGIN
    SELECT users.id INTO account FROM users JOIN password_links ON user_id = users.id
    WHERE token_sha256 = sha256 AND disabled_at IS NULL FOR NO KEY UPDATE OF users;
    DELETE FROM password_links WHERE token_sha256 = sha256 AND user_id = account AND expires_at > at;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE users SET password_hash = new_hash WHERE users.id = account;
    UPDATE user_sessions SET revoked_at = at WHERE user_id = account AND revoked_at IS NULL;
    RETURN account;
END
$$;
"""

GRANTS = """
REVOKE ALL ON FUNCTION account_sessions, revoke_account_session, session_password, ways_in, remove_identity,
    end_password_link, find_password_link, use_password_link FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_sessions, revoke_account_session, session_password, ways_in, remove_identity,
    find_password_link, use_password_link TO setpoint_runtime;
"""


def upgrade() -> None:
    for statements in (SESSIONS, IDENTITIES, LINKS, GRANTS):
        op.execute(statements)


def downgrade() -> None:
    raise RuntimeError("Who may sign in is not thrown away: restore a backup instead.")
