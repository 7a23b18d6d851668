"""who writes many documents notes one change of the catalogue for all of them: an import of thousands made thousands"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE OR REPLACE FUNCTION catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {body}
    RETURN NULL;
END
$$
"""
# The setting is the transaction's: "once" by who is about to change much, "noted" from the first change on.
ASKED = """
    IF coalesce(current_setting('portal.changes', true), '') = 'noted' THEN
        RETURN NULL;
    END IF;
    INSERT INTO catalogue_changes DEFAULT VALUES;
    IF coalesce(current_setting('portal.changes', true), '') = 'once' THEN
        PERFORM set_config('portal.changes', 'noted', true);
    END IF;
"""
ALWAYS = "INSERT INTO catalogue_changes DEFAULT VALUES;"


def upgrade() -> None:
    # SQLite has one row in any case.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION.format(body=ASKED))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION.format(body=ALWAYS))
