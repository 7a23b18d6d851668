"""What the lists of bookings are ordered by, kept in the bookings themselves, with an index for each order

Triggers write both columns, so the previous version need not know them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Characters of a name that count in the order: an entry of an index on PostgreSQL has at most 2,700 bytes.
SORTED = 500
# The columns that are filtered by most are in the indexes, too, so that skipping to a page reads nothing else.
FILTERED = ("state", "created", "offering_id")
INDEXES = {
    "ix_bookings_by_name": ("sort_key", "id", *FILTERED),
    "ix_bookings_by_start": ("first_start", "id", *FILTERED),
    "ix_bookings_by_created": ("created", "id", "state", "offering_id"),
}
KEY = f"substr(lower({{row}}name), 1, {SORTED})"
FILL = """
    UPDATE bookings SET sort_key = {key},
        first_start = (SELECT min(slots.start) FROM slots WHERE slots.booking_id = bookings.id)
"""
EARLIER = """
    UPDATE bookings SET first_start = NEW.start
    WHERE id = NEW.booking_id AND (first_start IS NULL OR first_start > NEW.start);
"""
ANEW = """
    UPDATE bookings SET first_start = (SELECT min(slots.start) FROM slots WHERE slots.booking_id = bookings.id)
    WHERE id {whose};
"""
SQLITE_SORT = """
CREATE TRIGGER bookings_sorted_{action} AFTER {event} ON bookings {condition}
BEGIN
    UPDATE bookings SET sort_key = {key} WHERE id = NEW.id;
END
"""
SQLITE_FIRST = """
CREATE TRIGGER slots_first_{action} AFTER {event} ON slots {condition}
BEGIN
    {statements}
END
"""
POSTGRESQL_FUNCTIONS = (
    """
    CREATE FUNCTION sort_booking() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.sort_key := {key};
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE FUNCTION note_first_slot() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            {insert}
        ELSIF TG_OP = 'UPDATE' THEN
            {update}
        ELSE
            {delete}
        END IF;
        RETURN NULL;
    END
    $$
    """,
)
POSTGRESQL_SORT = """
CREATE TRIGGER bookings_sorted_{action} BEFORE {event} ON bookings FOR EACH ROW EXECUTE FUNCTION sort_booking()
"""
POSTGRESQL_FIRST = """
CREATE TRIGGER slots_first_{action} AFTER {event} ON slots FOR EACH ROW {condition}
EXECUTE FUNCTION note_first_slot()
"""
SORT_EVENTS = {"insert": "INSERT", "update": "UPDATE OF name"}
FIRST_EVENTS = {"insert": "INSERT", "update": "UPDATE OF start, booking_id", "delete": "DELETE"}
FIRST = {
    "insert": EARLIER,
    "update": ANEW.format(whose="IN (OLD.booking_id, NEW.booking_id)"),
    "delete": ANEW.format(whose="= OLD.booking_id"),
}
MOVED = "WHEN (OLD.start <> NEW.start OR OLD.booking_id <> NEW.booking_id)"
RENAMED = "WHEN (OLD.name <> NEW.name)"


def upgrade() -> None:
    # No batch: on SQLite that would make the table anew, without its triggers.
    op.add_column("bookings", sa.Column("sort_key", sa.Text(), nullable=True))
    op.add_column("bookings", sa.Column("first_start", sa.DateTime(timezone=True), nullable=True))
    _create_triggers(is_sqlite=op.get_bind().dialect.name == "sqlite")
    op.execute(FILL.format(key=KEY.format(row="")))
    for name, columns in INDEXES.items():
        op.create_index(name, "bookings", columns)
    op.create_index("ix_offerings_type", "offerings", ["type"])


def _create_triggers(*, is_sqlite: bool) -> None:
    key = KEY.format(row="NEW.")
    if not is_sqlite:
        for function in POSTGRESQL_FUNCTIONS:
            op.execute(function.format(key=key, **FIRST))
    for action, event in SORT_EVENTS.items():
        template, condition = SQLITE_SORT if is_sqlite else POSTGRESQL_SORT, RENAMED if action == "update" else ""
        op.execute(template.format(action=action, event=event, condition=condition, key=key))
    for action, event in FIRST_EVENTS.items():
        template, condition = SQLITE_FIRST if is_sqlite else POSTGRESQL_FIRST, MOVED if action == "update" else ""
        op.execute(template.format(action=action, event=event, condition=condition, statements=FIRST[action]))


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.drop_index("ix_offerings_type", "offerings")
    for name in INDEXES:
        op.drop_index(name, "bookings")
    for action in SORT_EVENTS:
        op.execute(f"DROP TRIGGER bookings_sorted_{action}" + ("" if is_sqlite else " ON bookings"))
    for action in FIRST_EVENTS:
        op.execute(f"DROP TRIGGER slots_first_{action}" + ("" if is_sqlite else " ON slots"))
    if not is_sqlite:
        op.execute("DROP FUNCTION sort_booking()")
        op.execute("DROP FUNCTION note_first_slot()")
    op.drop_column("bookings", "first_start")
    op.drop_column("bookings", "sort_key")
