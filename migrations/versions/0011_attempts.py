"""how many passwords may still be tried is counted in buckets that refill; the columns of before stay for old versions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLE = "sign_in_failures"
INDEX = "ix_sign_in_failures_full_at"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("full_at", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(INDEX, TABLE, ["full_at"], unique=False)


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "full_at")
