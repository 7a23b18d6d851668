"""the language of a user's pages and mail; "" is that of their browser"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("language", sa.String(16), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("users", "language")
