"""the stamp of the catalogue moves with who is shown an offering, also where its document is not written anew"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SQLITE = """
CREATE TRIGGER offerings_shown_changed AFTER UPDATE OF state, shared, organization_id, sort_key ON offerings
BEGIN
    UPDATE catalogue_changes SET id = random();
END
"""
POSTGRESQL = """
CREATE TRIGGER offerings_shown_changed AFTER UPDATE OF state, shared, organization_id, sort_key ON offerings
FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed()
"""


def upgrade() -> None:
    op.execute(SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL)


def downgrade() -> None:
    on = "" if op.get_bind().dialect.name == "sqlite" else " ON offerings"
    op.execute(f"DROP TRIGGER offerings_shown_changed{on}")
