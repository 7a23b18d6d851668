"""what a person recognizes their sessions by, and when the password was entered last in each"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "browser_sessions"
INDEX = "ix_browser_sessions_session_key"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("confirmed", sa.DateTime(timezone=True), nullable=True))
    op.add_column(TABLE, sa.Column("last_seen", sa.DateTime(timezone=True), nullable=True))
    op.add_column(TABLE, sa.Column("browser", sa.String(length=60), server_default="", nullable=False))
    op.add_column(TABLE, sa.Column("network", sa.String(length=64), server_default="", nullable=False))
    op.create_index(INDEX, TABLE, ["session_key"], unique=False)


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    for column in ("network", "browser", "last_seen", "confirmed"):
        op.drop_column(TABLE, column)
