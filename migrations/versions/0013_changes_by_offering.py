"""catalogue_changes names the offering of each change, so that readers look at that one alone

The previous version counts the rows and takes the highest id: both still move with every change.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ACTIONS = ("INSERT", "UPDATE", "DELETE")
# A table, and what names the offering in its rows. None: who may see what changed, for no offering alone.
TABLES = {
    "offering_documents": "offering_id",
    "offering_organization_groups": "offering_id",
    "memberships": None,
    "organization_group_members": None,
    "plan_organization_groups": None,
}
SHOWN = "state, shared, organization_id, category_id, country, created, sort_key"
SHOWN_BEFORE = "state, shared, organization_id, sort_key"

SQLITE = """
CREATE TRIGGER {table}_changed_{action} AFTER {action} ON {table}
BEGIN
    INSERT INTO catalogue_changes (offering_id) VALUES ({value});
END
"""
SQLITE_SHOWN = """
CREATE TRIGGER offerings_shown_changed AFTER UPDATE OF {columns} ON offerings
BEGIN
    INSERT INTO catalogue_changes (offering_id) VALUES (NEW.id);
END
"""
SQLITE_PROJECTS = """
CREATE TRIGGER projects_shown_changed AFTER UPDATE OF organization_id ON projects
BEGIN
    {statement};
END
"""
SQLITE_BEFORE = """
CREATE TRIGGER {table}_changed_{action} AFTER {action} ON {table}
BEGIN
    UPDATE catalogue_changes SET id = random();
END
"""
SQLITE_SHOWN_BEFORE = """
CREATE TRIGGER offerings_shown_changed AFTER UPDATE OF {columns} ON offerings
BEGIN
    UPDATE catalogue_changes SET id = random();
END
"""
POSTGRESQL_FUNCTIONS = """
CREATE FUNCTION offering_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed integer;
BEGIN
    IF TG_TABLE_NAME = 'offerings' THEN
        changed := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        changed := OLD.offering_id;
    ELSE
        changed := NEW.offering_id;
    END IF;
    INSERT INTO catalogue_changes (offering_id, transaction_id)
    VALUES (changed, pg_current_xact_id()::text::bigint);
    RETURN NULL;
END
$$;
CREATE FUNCTION access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalogue_changes (offering_id, transaction_id)
    VALUES (NULL, pg_current_xact_id()::text::bigint);
    RETURN NULL;
END
$$;
"""
POSTGRESQL_OFFERING = """
CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION offering_changed()
"""
POSTGRESQL_ACCESS = """
CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION access_changed()
"""
POSTGRESQL_SHOWN = """
CREATE TRIGGER offerings_shown_changed AFTER UPDATE OF {columns} ON offerings
FOR EACH ROW EXECUTE FUNCTION offering_changed()
"""
POSTGRESQL_PROJECTS = """
CREATE TRIGGER projects_shown_changed AFTER UPDATE OF organization_id ON projects
FOR EACH STATEMENT EXECUTE FUNCTION {function}()
"""
POSTGRESQL_BEFORE = """
CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed()
"""
POSTGRESQL_SHOWN_BEFORE = """
CREATE TRIGGER offerings_shown_changed AFTER UPDATE OF {columns} ON offerings
FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed()
"""


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    drop_triggers(is_sqlite)
    # No batch: on SQLite that would make the table anew.
    op.add_column("catalogue_changes", sa.Column("offering_id", sa.Integer(), nullable=True))
    op.add_column("catalogue_changes", sa.Column("transaction_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_catalogue_changes_transaction_id", "catalogue_changes", ["transaction_id"])
    if is_sqlite:
        # The one row had a number at random; from now on they count.
        op.execute("DELETE FROM catalogue_changes")
        op.execute("INSERT INTO catalogue_changes (id) VALUES (1)")
        for table, column in TABLES.items():
            for action in ACTIONS:
                row = "OLD" if action == "DELETE" else "NEW"
                value = f"{row}.{column}" if column else "NULL"
                op.execute(SQLITE.format(table=table, action=action, value=value))
        op.execute(SQLITE_SHOWN.format(columns=SHOWN))
        op.execute(SQLITE_PROJECTS.format(statement="INSERT INTO catalogue_changes (offering_id) VALUES (NULL)"))
    else:
        op.execute(POSTGRESQL_FUNCTIONS)
        for table, column in TABLES.items():
            op.execute((POSTGRESQL_OFFERING if column else POSTGRESQL_ACCESS).format(table=table))
        op.execute(POSTGRESQL_SHOWN.format(columns=SHOWN))
        op.execute(POSTGRESQL_PROJECTS.format(function="access_changed"))


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    drop_triggers(is_sqlite)
    op.drop_index("ix_catalogue_changes_transaction_id", "catalogue_changes")
    op.drop_column("catalogue_changes", "transaction_id")
    op.drop_column("catalogue_changes", "offering_id")
    op.execute("DELETE FROM catalogue_changes")
    if is_sqlite:
        op.execute("INSERT INTO catalogue_changes (id) VALUES (random())")
        for table in TABLES:
            for action in ACTIONS:
                op.execute(SQLITE_BEFORE.format(table=table, action=action))
        op.execute(SQLITE_SHOWN_BEFORE.format(columns=SHOWN_BEFORE))
        op.execute(SQLITE_PROJECTS.format(statement="UPDATE catalogue_changes SET id = random()"))
    else:
        op.execute("INSERT INTO catalogue_changes DEFAULT VALUES")
        op.execute("DROP FUNCTION offering_changed()")
        op.execute("DROP FUNCTION access_changed()")
        for table in TABLES:
            op.execute(POSTGRESQL_BEFORE.format(table=table))
        op.execute(POSTGRESQL_SHOWN_BEFORE.format(columns=SHOWN_BEFORE))
        op.execute(POSTGRESQL_PROJECTS.format(function="catalogue_changed"))


def drop_triggers(is_sqlite: bool) -> None:
    if is_sqlite:
        for table in TABLES:
            for action in ACTIONS:
                op.execute(f"DROP TRIGGER {table}_changed_{action}")
        op.execute("DROP TRIGGER offerings_shown_changed")
        op.execute("DROP TRIGGER projects_shown_changed")
    else:
        for table in TABLES:
            op.execute(f"DROP TRIGGER {table}_changed ON {table}")
        op.execute("DROP TRIGGER offerings_shown_changed ON offerings")
        op.execute("DROP TRIGGER projects_shown_changed ON projects")
