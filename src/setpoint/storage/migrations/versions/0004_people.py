"""People: accounts, sessions, members of workspaces, API tokens, invitations."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Accounts belong to no workspace: one person may be a member of several. The runtime role has no right on these
# four; it asks the functions below, one account or session at a time.
ACCOUNTS = """
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text COLLATE "C" NOT NULL UNIQUE CHECK (email ~ '^[!-?A-~]+@[!-?A-~]+$' AND email = lower(email)),
    email_verified boolean NOT NULL DEFAULT false,
    name text NOT NULL,
    password_hash text COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);
CREATE TABLE identities (
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject),
    UNIQUE (user_id, issuer)
);
CREATE TABLE user_sessions (
    token_sha256 text COLLATE "C" PRIMARY KEY CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
    user_id uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX user_sessions_by_user ON user_sessions (user_id);
CREATE TABLE sign_in_attempts (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('account', 'address')),
    key_sha256 text COLLATE "C" NOT NULL CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
    window_began_at timestamptz NOT NULL,
    attempts integer NOT NULL CHECK (attempts >= 0),
    PRIMARY KEY (kind, key_sha256)
);
CREATE INDEX sign_in_attempts_by_time ON sign_in_attempts (window_began_at);
-- Not forced: the owner, whom the functions run as, is let through, and nobody else finds a row.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_attempts ENABLE ROW LEVEL SECURITY;
"""

# The keys of tokens and invitations begin with client_id; that a hash of 256 random bits is unique needs no key.
MEMBERS = """
CREATE TABLE memberships (
    client_id integer NOT NULL REFERENCES workspaces,
    user_id uuid NOT NULL REFERENCES users,
    role text COLLATE "C" NOT NULL CHECK (role IN ('setter', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),
    added_by text NOT NULL,
    PRIMARY KEY (client_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id);
CREATE TABLE api_tokens (
    client_id integer NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    name text NOT NULL,
    role text COLLATE "C" NOT NULL CHECK (role IN ('setter', 'admin')),
    token_sha256 text COLLATE "C" NOT NULL CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
    prefix text COLLATE "C" NOT NULL CHECK (length(prefix) <= 12),
    created_by text NOT NULL,
    created_by_user uuid REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (client_id, id)
);
CREATE INDEX api_tokens_by_hash ON api_tokens (token_sha256);
CREATE TABLE invitations (
    client_id integer NOT NULL REFERENCES workspaces,
    id uuid NOT NULL,
    email text COLLATE "C" NOT NULL CHECK (email ~ '^[!-?A-~]+@[!-?A-~]+$' AND email = lower(email)),
    role text COLLATE "C" NOT NULL CHECK (role IN ('setter', 'admin')),
    token_sha256 text COLLATE "C" NOT NULL CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
    created_by text NOT NULL,
    created_by_user uuid REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by_user uuid REFERENCES users,
    revoked_at timestamptz,
    PRIMARY KEY (client_id, id)
);
CREATE INDEX invitations_by_hash ON invitations (token_sha256);
CREATE INDEX invitations_by_email ON invitations (email);

SELECT secure_tenant_table(name::regclass) FROM unnest(ARRAY['memberships', 'api_tokens', 'invitations']) AS name;
-- What is over stays over: a revoked token never works again, an invitation is used once.
CREATE POLICY until_revoked ON api_tokens AS RESTRICTIVE FOR UPDATE USING (revoked_at IS NULL) WITH CHECK (true);
CREATE POLICY until_used ON invitations AS RESTRICTIVE FOR UPDATE
    USING (accepted_at IS NULL AND revoked_at IS NULL) WITH CHECK (true);
-- The functions below run as the owner, who must find these before any tenant is set, and changes none.
CREATE POLICY registry ON memberships FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY registry ON api_tokens FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY registry ON invitations FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON memberships TO setpoint_runtime;
GRANT SELECT, INSERT, UPDATE ON api_tokens, invitations TO setpoint_runtime;
"""

ACCOUNT_FUNCTIONS = """
CREATE FUNCTION find_account(wanted text)
RETURNS TABLE (id uuid, email text, email_verified boolean, name text, password_hash text, disabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT id, email, email_verified, name, password_hash, disabled_at IS NOT NULL FROM users WHERE email = wanted
$$;

-- Whoever is new has proven no address.
CREATE FUNCTION create_account(new_id uuid, new_email text, new_name text, new_hash text, at timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
BEGIN
    INSERT INTO users (id, email, name, password_hash, created_at)
    VALUES (new_id, new_email, new_name, new_hash, at) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

CREATE FUNCTION rehash_password(account uuid, old_hash text, new_hash text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    UPDATE users SET password_hash = new_hash WHERE id = account AND password_hash = old_hash
$$;

-- A change of the password waits for the lock on the account, and then finds this session to revoke it.
CREATE FUNCTION open_session(new_sha256 text, account uuid, seen_hash text, at timestamptz, until timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
BEGIN
    PERFORM FROM users
    WHERE id = account AND disabled_at IS NULL AND (seen_hash IS NULL OR password_hash = seen_hash) FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM user_sessions WHERE user_id = account AND (expires_at <= at OR revoked_at IS NOT NULL);
    INSERT INTO user_sessions (token_sha256, user_id, created_at, last_seen_at, expires_at)
    VALUES (new_sha256, account, at, at, until);
    RETURN true;
END
$$;

CREATE FUNCTION live_session(sha256 text, at timestamptz, idle interval) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT user_id FROM user_sessions JOIN users ON users.id = user_id
    WHERE token_sha256 = sha256 AND revoked_at IS NULL AND expires_at > at AND last_seen_at + idle > at
        AND disabled_at IS NULL
$$;

CREATE FUNCTION use_session(sha256 text, at timestamptz, idle interval)
RETURNS TABLE (id uuid, email text, email_verified boolean, name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
DECLARE
    account uuid := live_session(sha256, at, idle);
BEGIN
    IF account IS NULL THEN
        RETURN;
    END IF;
    UPDATE user_sessions SET last_seen_at = at
    WHERE token_sha256 = sha256 AND last_seen_at < at - interval '1 minute' AND revoked_at IS NULL;
    RETURN QUERY SELECT users.id, users.email, users.email_verified, users.name FROM users WHERE users.id = account;
END
$$;

CREATE FUNCTION session_workspaces(sha256 text, at timestamptz, idle interval)
RETURNS TABLE (client_id integer, slug text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT client_id, slug, role FROM memberships JOIN workspaces USING (client_id)
    WHERE user_id = live_session(sha256, at, idle) ORDER BY slug
$$;

CREATE FUNCTION revoke_session(sha256 text, at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    UPDATE user_sessions SET revoked_at = at WHERE token_sha256 = sha256 AND revoked_at IS NULL
$$;

-- All sessions of whoever has this one.
CREATE FUNCTION revoke_all_sessions(sha256 text, at timestamptz, idle interval) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    UPDATE user_sessions SET revoked_at = at WHERE user_id = live_session(sha256, at, idle) AND revoked_at IS NULL
$$;

-- The present hash of whoever has this session: the password is asked for again before it is changed.
CREATE FUNCTION session_password(sha256 text, at timestamptz, idle interval)
RETURNS TABLE (email text, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT email, password_hash FROM users WHERE id = live_session(sha256, at, idle)
$$;

CREATE FUNCTION change_password(sha256 text, old_hash text, new_hash text, at timestamptz, idle interval)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
DECLARE
    account uuid := live_session(sha256, at, idle);
BEGIN
    UPDATE users SET password_hash = new_hash WHERE id = account AND password_hash IS NOT DISTINCT FROM old_hash;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE user_sessions SET revoked_at = at
    WHERE user_id = account AND token_sha256 <> sha256 AND revoked_at IS NULL;
    RETURN true;
END
$$;

-- A changed address is not proven.
CREATE FUNCTION change_address(sha256 text, new_email text, at timestamptz, idle interval)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
BEGIN
    UPDATE users SET email = new_email, email_verified = email_verified AND email = new_email
    WHERE id = live_session(sha256, at, idle);
    RETURN FOUND;
EXCEPTION WHEN unique_violation THEN
    RETURN false;
END
$$;

-- One count for each key, which begins again when its window is over. Keys are always locked in one order, the
-- client's before the account's.
CREATE FUNCTION count_attempt(wanted text, sha256 text, at timestamptz, width interval)
RETURNS TABLE (attempts integer, window_began_at timestamptz)
LANGUAGE sql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    INSERT INTO sign_in_attempts AS kept (kind, key_sha256, window_began_at, attempts)
    VALUES (wanted, sha256, at, 1)
    ON CONFLICT (kind, key_sha256) DO UPDATE SET
        attempts = CASE WHEN kept.window_began_at <= at - width THEN 1 ELSE least(kept.attempts + 1, 1000000) END,
        window_began_at = CASE WHEN kept.window_began_at <= at - width THEN at ELSE kept.window_began_at END
    RETURNING kept.attempts, kept.window_began_at
$$;

CREATE FUNCTION forgive_attempts(account_sha256 text, address_sha256 text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    UPDATE sign_in_attempts SET attempts = greatest(attempts - 1, 0)
    WHERE kind = 'address' AND key_sha256 = address_sha256;
    DELETE FROM sign_in_attempts WHERE kind = 'account' AND key_sha256 = account_sha256;
$$;

-- Some of what is over, by whoever comes by. Nothing may be locked after it in the same transaction.
CREATE FUNCTION forget_attempts(at timestamptz, width interval) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    DELETE FROM sign_in_attempts WHERE (kind, key_sha256) IN (
        SELECT kind, key_sha256 FROM sign_in_attempts WHERE window_began_at <= at - width
        ORDER BY window_began_at LIMIT 10 FOR UPDATE SKIP LOCKED)
$$;
"""

IDENTITY_FUNCTIONS = """
CREATE FUNCTION find_identity(from_issuer text, wanted text)
RETURNS TABLE (id uuid, email text, email_verified boolean, name text, disabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT id, email, email_verified, name, disabled_at IS NOT NULL FROM identities JOIN users ON users.id = user_id
    WHERE issuer = from_issuer AND subject = wanted
$$;

-- False where the account has another identity of this issuer, or the identity another account.
CREATE FUNCTION add_identity(from_issuer text, new_subject text, account uuid, at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
BEGIN
    INSERT INTO identities (issuer, subject, user_id, created_at)
    VALUES (from_issuer, new_subject, account, at) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

-- What the issuer says about the address of an account that has an identity there. Whoever set a password, signed
-- in or connected another identity before the address was proven may have been somebody else: the proof ends that.
CREATE FUNCTION settle_address(from_issuer text, of_subject text, new_email text, verified boolean, at timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
DECLARE
    account uuid;
    proven_before boolean;
BEGIN
    SELECT users.id, users.email_verified INTO account, proven_before
    FROM identities JOIN users ON users.id = user_id
    WHERE issuer = from_issuer AND subject = of_subject FOR UPDATE OF users;
    IF account IS NULL THEN
        RETURN false;
    END IF;
    UPDATE users SET email = new_email, email_verified = verified,
        password_hash = CASE WHEN verified AND NOT proven_before THEN NULL ELSE password_hash END
    WHERE users.id = account;
    IF verified AND NOT proven_before THEN
        UPDATE user_sessions SET revoked_at = at WHERE user_id = account AND revoked_at IS NULL;
        DELETE FROM identities WHERE user_id = account AND issuer <> from_issuer;
    END IF;
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RETURN false;
END
$$;
"""

MEMBER_FUNCTIONS = """
-- Names and addresses of the members of the workspace that was entered.
CREATE FUNCTION workspace_members(wanted integer)
RETURNS TABLE (user_id uuid, email text, email_verified boolean, name text, role text, created_at timestamptz,
    added_by text, disabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT user_id, email, email_verified, name, role, memberships.created_at, added_by, disabled_at IS NOT NULL
    FROM memberships JOIN users ON users.id = user_id
    WHERE client_id = wanted AND client_id = current_client() ORDER BY email
$$;

CREATE FUNCTION find_api_token(sha256 text)
RETURNS TABLE (client_id integer, slug text, id uuid, name text, role text, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT client_id, slug, api_tokens.id, api_tokens.name, role, last_used_at
    FROM api_tokens JOIN workspaces USING (client_id) LEFT JOIN users ON users.id = created_by_user
    WHERE token_sha256 = sha256 AND revoked_at IS NULL AND disabled_at IS NULL
$$;

CREATE FUNCTION open_invitation(invited invitations, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT invited.accepted_at IS NULL AND invited.revoked_at IS NULL AND invited.expires_at > at AND NOT EXISTS (
        SELECT FROM users WHERE users.id = invited.created_by_user AND disabled_at IS NOT NULL)
$$;

CREATE FUNCTION find_invitation(sha256 text, at timestamptz)
RETURNS TABLE (client_id integer, slug text, id uuid, email text, role text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT client_id, slug, id, email, role, expires_at FROM invitations JOIN workspaces USING (client_id)
    WHERE token_sha256 = sha256 AND open_invitation(invitations, at)
$$;

CREATE FUNCTION is_invited(wanted text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT EXISTS (SELECT FROM invitations WHERE email = wanted AND open_invitation(invitations, at))
$$;

-- Those for the proven address of an account, by its identity.
CREATE FUNCTION identity_invitations(from_issuer text, of_subject text, at timestamptz)
RETURNS TABLE (client_id integer, slug text, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = setpoint, pg_temp AS $$
    SELECT client_id, slug, invitations.id
    FROM identities JOIN users ON users.id = user_id
    JOIN invitations USING (email) JOIN workspaces USING (client_id)
    WHERE issuer = from_issuer AND subject = of_subject AND email_verified AND open_invitation(invitations, at)
    ORDER BY client_id
$$;
"""

GRANTS = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA setpoint FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_account, create_account, rehash_password, open_session, use_session,
    session_workspaces, revoke_session, revoke_all_sessions, session_password, change_password, change_address,
    count_attempt, forgive_attempts, forget_attempts, find_identity, add_identity, settle_address,
    workspace_members, find_api_token, find_invitation, is_invited, identity_invitations TO setpoint_runtime;
"""


def upgrade() -> None:
    for statements in (ACCOUNTS, MEMBERS, ACCOUNT_FUNCTIONS, IDENTITY_FUNCTIONS, MEMBER_FUNCTIONS, GRANTS):
        op.execute(statements)


def downgrade() -> None:
    raise RuntimeError("Who may sign in is not thrown away: restore a backup instead.")
