"""whether secrets are stored that a version before 0019 encrypted, without their place: only then are such values read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

SEALED = (
    ("google_connections", "refresh_token"),
    ("google_connections", "access_token"),
    ("consent_requests", "code_verifier"),
    ("outgoing_mails", "sealed_secret"),
)


def upgrade() -> None:
    column = sa.Column("old_secrets", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("installation", column)
    if any(map(_has_old, SEALED)):
        op.execute(sa.update(sa.table("installation", sa.column("old_secrets"))).values(old_secrets=True))


def _has_old(place: tuple[str, str]) -> bool:
    table, name = place
    column = sa.column(name)
    old = sa.select(sa.literal(1)).select_from(sa.table(table, column)).where(column != "", ~column.startswith("v2:"))
    return op.get_bind().execute(old.limit(1)).first() is not None


def downgrade() -> None:
    op.drop_column("installation", "old_secrets")
