"""a stamp that changes whenever anything does that readers are shown of offerings"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What decides what a reader gets of the catalogue: the documents, and who may see which.
WATCHED = (
    "offering_documents",
    "memberships",
    "offering_organization_groups",
    "organization_group_members",
    "plan_organization_groups",
)
ACTS = ("INSERT", "UPDATE", "DELETE")

# SQLite has one writer at a time, so one row is enough; it never takes a value that it had before.
SQLITE = """
CREATE TRIGGER {table}_changed_{act} AFTER {act} ON {table}
BEGIN
    UPDATE catalogue_changes SET id = random();
END
"""
# On PostgreSQL a row for each statement: nobody waits for anybody. The worker thins them out.
POSTGRESQL_FUNCTION = """
CREATE FUNCTION catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalogue_changes DEFAULT VALUES;
    RETURN NULL;
END
$$
"""
POSTGRESQL = """
CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed()
"""


def upgrade() -> None:
    op.create_table(
        "catalogue_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_changes")),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO catalogue_changes (id) VALUES (random())")
        for table in WATCHED:
            for act in ACTS:
                op.execute(SQLITE.format(table=table, act=act))
    else:
        op.execute("INSERT INTO catalogue_changes DEFAULT VALUES")
        op.execute(POSTGRESQL_FUNCTION)
        for table in WATCHED:
            op.execute(POSTGRESQL.format(table=table))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in WATCHED:
            for act in ACTS:
                op.execute(f"DROP TRIGGER {table}_changed_{act}")
    else:
        for table in WATCHED:
            op.execute(f"DROP TRIGGER {table}_changed ON {table}")
        op.execute("DROP FUNCTION catalogue_changed()")
    op.drop_table("catalogue_changes")
