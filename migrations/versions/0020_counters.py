"""Counters of bookings in tables of their own, and one JSON document for each offering

The previous version goes on with its own columns of offering_documents. Where it writes them, `document` becomes null,
and the new version builds the document when it reads it.
"""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BATCH = 500
# The states of portal.domain.booking_states.HOLDING.
HOLDS = "{row}.state IN ('requested', 'confirmed')"
ADD = """
    INSERT INTO offering_counters (offering_id, bookings, version, changed)
    VALUES (NEW.offering_id, 1, 1, NEW.modified)
    ON CONFLICT (offering_id) DO UPDATE SET bookings = offering_counters.bookings + 1,
        version = offering_counters.version + 1, changed = {latest}(offering_counters.changed, excluded.changed);
    INSERT INTO plan_counters (plan_id, bookings, holding)
    SELECT NEW.plan_id, 1, CASE WHEN {holds} THEN 1 ELSE 0 END WHERE NEW.plan_id IS NOT NULL
    ON CONFLICT (plan_id) DO UPDATE SET bookings = plan_counters.bookings + 1,
        holding = plan_counters.holding + excluded.holding;
"""
SUBTRACT = """
    UPDATE offering_counters SET bookings = bookings - 1, version = version + 1 WHERE offering_id = OLD.offering_id;
    UPDATE plan_counters SET bookings = bookings - 1, holding = holding - CASE WHEN {holds} THEN 1 ELSE 0 END
    WHERE plan_id = OLD.plan_id;
"""
CHANGED = """OLD.offering_id <> NEW.offering_id OR OLD.plan_id {is_not} NEW.plan_id
    OR ({old_holds}) <> ({new_holds})"""
SQLITE_TRIGGER = """
CREATE TRIGGER bookings_counted_{action} AFTER {event} ON bookings {condition}
BEGIN
    {statements}
END
"""
SQLITE_STALE = """
CREATE TRIGGER offering_documents_stale AFTER UPDATE OF "full" ON offering_documents WHEN OLD."full" IS NOT NEW."full"
BEGIN
    UPDATE offering_documents SET document = NULL WHERE offering_id = NEW.offering_id;
END
"""
POSTGRESQL_FUNCTION = """
CREATE FUNCTION count_bookings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        {subtract}
    END IF;
    IF TG_OP <> 'DELETE' THEN
        {add}
    END IF;
    RETURN NULL;
END
$$
"""
POSTGRESQL_TRIGGER = """
CREATE TRIGGER bookings_counted_{action} AFTER {event} ON bookings FOR EACH ROW {condition}
EXECUTE FUNCTION count_bookings()
"""
POSTGRESQL_STALE = (
    """
    CREATE FUNCTION forget_document() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.document := NULL;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER offering_documents_stale BEFORE UPDATE OF "full" ON offering_documents FOR EACH ROW
    WHEN (OLD."full" IS DISTINCT FROM NEW."full") EXECUTE FUNCTION forget_document()
    """,
)
FILL = (
    """
    INSERT INTO offering_counters (offering_id, bookings, version, changed)
    SELECT offering_id, count(*), 1, max(modified) FROM bookings GROUP BY offering_id
    """,
    """
    INSERT INTO plan_counters (plan_id, bookings, holding)
    SELECT plan_id, count(*), sum(CASE WHEN state IN ('requested', 'confirmed') THEN 1 ELSE 0 END)
    FROM bookings WHERE plan_id IS NOT NULL GROUP BY plan_id
    """,
)
ACTIONS = {"insert": "INSERT", "update": "UPDATE OF offering_id, plan_id, state", "delete": "DELETE"}


def upgrade() -> None:
    op.create_table(
        "offering_counters",
        sa.Column("offering_id", sa.Integer(), nullable=False),
        sa.Column("bookings", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["offering_id"],
            ["offerings.id"],
            name=op.f("fk_offering_counters_offering_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("offering_id", name=op.f("pk_offering_counters")),
    )
    op.create_table(
        "plan_counters",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("bookings", sa.BigInteger(), nullable=False),
        sa.Column("holding", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_counters_plan_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan_counters")),
    )
    # No batch: on SQLite that would make the table anew, without its triggers.
    op.add_column("offering_documents", sa.Column("document", sa.LargeBinary(), nullable=True))
    _create_triggers(is_sqlite=op.get_bind().dialect.name == "sqlite")
    for statement in FILL:
        op.execute(statement)
    _fill_documents()


def _create_triggers(*, is_sqlite: bool) -> None:
    old_holds, new_holds = HOLDS.format(row="OLD"), HOLDS.format(row="NEW")
    subtract = SUBTRACT.format(holds=old_holds)
    add = ADD.format(holds=new_holds, latest="max" if is_sqlite else "greatest")
    changed = CHANGED.format(
        is_not="IS NOT" if is_sqlite else "IS DISTINCT FROM", old_holds=old_holds, new_holds=new_holds
    )
    if not is_sqlite:
        op.execute(POSTGRESQL_FUNCTION.format(subtract=subtract, add=add))
    statements = {"insert": add, "update": subtract + add, "delete": subtract}
    for action, event in ACTIONS.items():
        condition = f"WHEN ({changed})" if action == "update" else ""
        template = SQLITE_TRIGGER if is_sqlite else POSTGRESQL_TRIGGER
        op.execute(template.format(action=action, event=event, condition=condition, statements=statements[action]))
    for statement in (SQLITE_STALE,) if is_sqlite else POSTGRESQL_STALE:
        op.execute(statement)


def _fill_documents() -> None:
    """Make each document of the body for those who manage the offering: without the bookings made here."""
    connection = op.get_bind()
    page = sa.text(
        'SELECT d.offering_id, d."full", o.orders_elsewhere FROM offering_documents d'
        " JOIN offerings o ON o.id = d.offering_id WHERE d.offering_id > :last ORDER BY d.offering_id LIMIT :batch"
    )
    plans = sa.text(
        "SELECT p.uuid, p.resources_elsewhere, p.active_elsewhere FROM plans p"
        " WHERE p.offering_id > :last AND p.offering_id <= :end"
    )
    write = sa.text("UPDATE offering_documents SET document = :document WHERE offering_id = :id")
    last = 0
    while found := connection.execute(page, {"last": last, "batch": BATCH}).all():
        end = found[-1].offering_id
        elsewhere = {
            str(uuid.UUID(str(row.uuid))): (row.resources_elsewhere, row.active_elsewhere)
            for row in connection.execute(plans, {"last": last, "end": end})
        }
        connection.execute(
            write,
            [
                {"id": row.offering_id, "document": _document(bytes(row.full), row.orders_elsewhere, elsewhere)}
                for row in found
            ],
        )
        last = end


def _document(full: bytes, orders: int, elsewhere: dict[str, tuple[int, int]]) -> bytes:
    # The placeholders, raw bytes that are no JSON, become words that no offering contains.
    words = {placeholder: uuid.uuid4().hex.encode() for placeholder in (b"\x01", b"\x02")}
    for placeholder, word in words.items():
        full = full.replace(placeholder, word)
    found: dict[str, Any] = orjson.loads(full)
    if "order_count" in found:
        found["order_count"] = orders
    for plan in found.get("plans", ()):
        plan["resources_count"], plan["is_active"] = elsewhere[plan["uuid"]]
    document = orjson.dumps(found)
    for placeholder, word in words.items():
        document = document.replace(word, placeholder)
    return document


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for action in ACTIONS:
        op.execute(f"DROP TRIGGER bookings_counted_{action}" + ("" if is_sqlite else " ON bookings"))
    op.execute("DROP TRIGGER offering_documents_stale" + ("" if is_sqlite else " ON offering_documents"))
    if not is_sqlite:
        op.execute("DROP FUNCTION count_bookings()")
        op.execute("DROP FUNCTION forget_document()")
    # The bodies of that version were not written meanwhile: `flask offerings refresh` writes them.
    op.drop_column("offering_documents", "document")
    op.drop_table("plan_counters")
    op.drop_table("offering_counters")
