"""links in outgoing mail are kept encrypted until they are sent; those that were sent are deleted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KINDS = ("register", "password", "invitation")


def upgrade() -> None:
    # Not in a batch: SQLite would make the table anew.
    op.add_column("outgoing_mails", sa.Column("sealed_secret", sa.Text(), nullable=True))
    mails = sa.table(
        "outgoing_mails",
        sa.column("id", sa.Integer()),
        sa.column("kind", sa.String()),
        sa.column("data", sa.JSON()),
        sa.column("next_attempt", sa.DateTime(timezone=True)),
    )
    connection = op.get_bind()
    # What still waits to be sent keeps its link; the worker encrypts it (portal.services.mail.encrypt_links).
    done = sa.select(mails.c.id, mails.c.data).where(mails.c.kind.in_(KINDS), mails.c.next_attempt.is_(None))
    for row in connection.execute(done).all():
        kept = {key: value for key, value in row.data.items() if key != "link"}
        connection.execute(mails.update().where(mails.c.id == row.id).values(data=kept))


def downgrade() -> None:
    op.drop_column("outgoing_mails", "sealed_secret")
