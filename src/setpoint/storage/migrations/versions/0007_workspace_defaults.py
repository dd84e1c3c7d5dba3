"""Settings of a workspace: what new reports begin with, and the tool that its appointments come from."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE workspace_settings
            ADD COLUMN attribution_days integer NOT NULL DEFAULT 14 CHECK (attribution_days BETWEEN 0 AND 3660),
            ADD COLUMN maturity_days integer NOT NULL DEFAULT 7 CHECK (maturity_days BETWEEN 0 AND 3660),
            ADD COLUMN booking_provider text COLLATE "C" NOT NULL DEFAULT 'none'
                CHECK (booking_provider IN ('none', 'calendly', 'hubspot', 'google', 'other'))
    """)


def downgrade() -> None:
    op.execute("""
        ALTER TABLE workspace_settings
            DROP COLUMN attribution_days, DROP COLUMN maturity_days, DROP COLUMN booking_provider
    """)
