"""push channels of calendars, the pace of an account, connections that are ending"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_channels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["google_calendars.id"],
            name=op.f("fk_calendar_channels_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_channels")),
        sa.UniqueConstraint("channel_id", name=op.f("uq_calendar_channels_channel_id")),
    )
    op.create_index(op.f("ix_calendar_channels_calendar_id"), "calendar_channels", ["calendar_id"], unique=False)
    # Not in a batch: SQLite would make the table anew.
    for column in ("quiet_until", "reads_until", "ending_since", "ending_at"):
        op.add_column("google_connections", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.add_column("google_connections", sa.Column("ending", sa.String(length=8), server_default="", nullable=False))
    op.create_index(op.f("ix_google_connections_account_sub"), "google_connections", ["account_sub"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_google_connections_account_sub"), table_name="google_connections")
    for column in ("ending", "ending_at", "ending_since", "reads_until", "quiet_until"):
        op.drop_column("google_connections", column)
    op.drop_table("calendar_channels")
