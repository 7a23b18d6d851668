"""references of an offering that are judged by themselves: documents with a parent or a project are marked"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MARK = """
UPDATE offering_documents SET restricted = true
WHERE NOT restricted AND offering_id IN (
    SELECT id FROM offerings WHERE parent_uuid IS NOT NULL OR project_id IS NOT NULL
)
"""
# Who is shown a project depends on its organization.
SQLITE = """
CREATE TRIGGER projects_shown_changed AFTER UPDATE OF organization_id ON projects
BEGIN
    UPDATE catalogue_changes SET id = random();
END
"""
POSTGRESQL = """
CREATE TRIGGER projects_shown_changed AFTER UPDATE OF organization_id ON projects
FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed()
"""


def upgrade() -> None:
    op.execute(MARK)
    op.execute(SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL)


def downgrade() -> None:
    # The mark stays: to the version before it means that there may be plans to look for.
    on = "" if op.get_bind().dialect.name == "sqlite" else " ON projects"
    op.execute(f"DROP TRIGGER projects_shown_changed{on}")
