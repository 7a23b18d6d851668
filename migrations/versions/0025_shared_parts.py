"""components and plans that an offering has in common with its parent; keys of imported records that are not published"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = ("components", "plans")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("shared_uuid", sa.Uuid(), nullable=True))
        op.create_index(f"ix_{table}_shared_uuid", table, ["shared_uuid"])
    op.add_column("offerings", sa.Column("unknown_fields", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("offerings", "unknown_fields")
    for table in TABLES:
        op.drop_index(f"ix_{table}_shared_uuid", table_name=table)
        op.drop_column(table, "shared_uuid")
