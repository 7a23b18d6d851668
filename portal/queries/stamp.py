"""The stamp of the catalogue: it moves with every change of what readers are shown, and of who may see what.

Triggers move it (migrations 0005 and 0008), in the transaction that makes the change, so no write path can forget it.
"""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select

from portal.domain.memory import Stamp
from portal.extensions import db, is_reading, transaction
from portal.models import CatalogueChange
from portal.queries.look import Look

# Rows of changes that a reader adds up without noticing.
MANY_CHANGES = 200

STAMP = (
    select(func.count(CatalogueChange.id)).scalar_subquery().label("changes"),
    select(func.coalesce(func.max(CatalogueChange.id), 0)).scalar_subquery().label("last_change"),
)
_ASK = Look(select(*STAMP))


def present_stamp() -> Stamp:
    """The database's stamp now. One statement.

    What is read next is not older: a snapshot in which this request has read before ends here.
    """
    if is_reading():
        db.session.commit()
    row = _ASK.first()
    assert row is not None
    return row.changes, row.last_change


def thin_out() -> None:
    """Keep the rows that stand for changes few (PostgreSQL notes each in a row of its own). Twice is harmless."""
    table = CatalogueChange
    with transaction() as session:
        found = session.execute(select(*STAMP)).one()
        if found.changes <= MANY_CHANGES:
            return
        # Those that others have not committed yet stay; a new last one tells readers that something moved.
        session.execute(delete(table).where(table.id <= found.last_change))
        session.execute(insert(table))
