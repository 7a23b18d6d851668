"""bookings never overlap; repeated requests; what calendars must notice"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Slots that hold never overlap, so it is enough to look at the first one that ends after the new one starts.
TRIGGERS = (
    """
    CREATE TRIGGER slots_no_overlap_insert BEFORE INSERT ON slots WHEN NEW.holds
    BEGIN
        SELECT RAISE(ABORT, 'slots_no_overlap') WHERE (
            SELECT start FROM slots
            WHERE offering_id = NEW.offering_id AND holds = 1 AND "end" > NEW.start
            ORDER BY "end" LIMIT 1
        ) < NEW."end";
    END
    """,
    """
    CREATE TRIGGER slots_no_overlap_update BEFORE UPDATE ON slots WHEN NEW.holds
    BEGIN
        SELECT RAISE(ABORT, 'slots_no_overlap') WHERE (
            SELECT start FROM slots
            WHERE offering_id = NEW.offering_id AND holds = 1 AND "end" > NEW.start AND id <> OLD.id
            ORDER BY "end" LIMIT 1
        ) < NEW."end";
    END
    """,
)
EXCLUSION = """
ALTER TABLE slots ADD CONSTRAINT slots_no_overlap EXCLUDE USING gist (
    int8range(offering_id, offering_id, '[]') WITH &&, tstzrange(start, "end", '[)') WITH &&
) WHERE (holds)
"""


def upgrade() -> None:
    with op.batch_alter_table("bookings") as batch_op:
        batch_op.add_column(sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("booking_changes") as batch_op:
        batch_op.add_column(sa.Column("detail", sa.JSON(), nullable=False, server_default="{}"))
    op.execute("UPDATE booking_changes SET what = 'request' WHERE what = 'requested'")
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_idempotency_keys_booking_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_idempotency_keys_user_id_key")),
    )
    op.create_index(op.f("ix_idempotency_keys_booking_id"), "idempotency_keys", ["booking_id"], unique=False)
    op.drop_index("ix_slots_held", table_name="slots")
    op.create_index("ix_slots_held", "slots", ["offering_id", "holds", "end", "start"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for trigger in TRIGGERS:
            op.execute(trigger)
    else:
        op.execute(EXCLUSION)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER slots_no_overlap_insert")
        op.execute("DROP TRIGGER slots_no_overlap_update")
    else:
        op.execute("ALTER TABLE slots DROP CONSTRAINT slots_no_overlap")
    op.drop_index("ix_slots_held", table_name="slots")
    op.create_index("ix_slots_held", "slots", ["offering_id", "holds", "start", "end"], unique=False)
    op.drop_table("idempotency_keys")
    with op.batch_alter_table("booking_changes") as batch_op:
        batch_op.drop_column("detail")
    with op.batch_alter_table("bookings") as batch_op:
        batch_op.drop_column("sequence")
