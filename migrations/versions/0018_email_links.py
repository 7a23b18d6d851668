"""whose a mailed link is, where its address is not theirs yet"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = "account_links"
INDEX = "ix_account_links_user_id"
KEY = "fk_account_links_user_id_users"


def upgrade() -> None:
    with op.batch_alter_table(TABLE) as batch:
        batch.add_column(sa.Column("user_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(KEY, "users", ["user_id"], ["id"], ondelete="CASCADE")
        batch.create_index(INDEX, ["user_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_index(INDEX)
        batch.drop_constraint(KEY, type_="foreignkey")
        batch.drop_column("user_id")
