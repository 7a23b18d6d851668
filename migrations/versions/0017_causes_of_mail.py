"""who caused a message: what one person causes within an hour is counted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CAUSE = "fk_outgoing_mails_cause_id"


def upgrade() -> None:
    with op.batch_alter_table("outgoing_mails") as batch:
        batch.add_column(sa.Column("cause_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(batch.f(CAUSE), "users", ["cause_id"], ["id"], ondelete="SET NULL")
    op.create_index("ix_outgoing_mails_caused", "outgoing_mails", ["cause_id", "created"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_outgoing_mails_caused", table_name="outgoing_mails")
    with op.batch_alter_table("outgoing_mails") as batch:
        batch.drop_constraint(CAUSE, type_="foreignkey")
        batch.drop_column("cause_id")
