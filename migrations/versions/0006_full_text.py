"""words of offerings in the database's own full-text index"""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# All that the catalogue's order and facets need.
SHELF = ("sort_key", "uuid", "state", "shared", "organization_id", "category_id", "country", "created")

# The index holds words, and finds the document that they are of; triggers keep it.
SQLITE = (
    """
    CREATE VIRTUAL TABLE offering_search USING fts5(
        search_name, search_text, content='offering_documents', content_rowid='offering_id',
        tokenize='unicode61 remove_diacritics 0', prefix='2 3'
    )
    """,
    """
    CREATE TRIGGER offering_search_insert AFTER INSERT ON offering_documents
    BEGIN
        INSERT INTO offering_search (rowid, search_name, search_text)
        VALUES (NEW.offering_id, NEW.search_name, NEW.search_text);
    END
    """,
    """
    CREATE TRIGGER offering_search_delete AFTER DELETE ON offering_documents
    BEGIN
        INSERT INTO offering_search (offering_search, rowid, search_name, search_text)
        VALUES ('delete', OLD.offering_id, OLD.search_name, OLD.search_text);
    END
    """,
    """
    CREATE TRIGGER offering_search_update AFTER UPDATE ON offering_documents
    WHEN OLD.search_name IS NOT NEW.search_name OR OLD.search_text IS NOT NEW.search_text
    BEGIN
        INSERT INTO offering_search (offering_search, rowid, search_name, search_text)
        VALUES ('delete', OLD.offering_id, OLD.search_name, OLD.search_text);
        INSERT INTO offering_search (rowid, search_name, search_text)
        VALUES (NEW.offering_id, NEW.search_name, NEW.search_text);
    END
    """,
)
POSTGRESQL = (
    """
    CREATE TABLE offering_search (
        offering_id integer PRIMARY KEY REFERENCES offerings (id) ON DELETE CASCADE,
        name_words tsvector NOT NULL,
        words tsvector NOT NULL
    )
    """,
    "CREATE INDEX ix_offering_search_words ON offering_search USING gin (words)",
    "CREATE INDEX ix_offering_search_name_words ON offering_search USING gin (name_words)",
    """
    CREATE FUNCTION offering_search_follow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO offering_search (offering_id, name_words, words)
        VALUES (
            NEW.offering_id,
            array_to_tsvector(string_to_array(NEW.search_name, ' ')),
            array_to_tsvector(string_to_array(NEW.search_text, ' '))
        )
        ON CONFLICT (offering_id) DO UPDATE SET name_words = EXCLUDED.name_words, words = EXCLUDED.words;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER offering_search_insert AFTER INSERT ON offering_documents
    FOR EACH ROW EXECUTE FUNCTION offering_search_follow()
    """,
    """
    CREATE TRIGGER offering_search_update AFTER UPDATE ON offering_documents FOR EACH ROW
    WHEN (OLD.search_name IS DISTINCT FROM NEW.search_name OR OLD.search_text IS DISTINCT FROM NEW.search_text)
    EXECUTE FUNCTION offering_search_follow()
    """,
)


def upgrade() -> None:
    op.add_column("offering_documents", sa.Column("search_name", sa.Text(), nullable=False, server_default=""))
    op.drop_index("ix_offerings_sort", table_name="offerings")
    op.drop_index("ix_offerings_listed", table_name="offerings")
    op.create_index("ix_offerings_shelf", "offerings", list(SHELF), unique=False)
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT d.offering_id, o.name, o.description, g.name FROM offering_documents d"
            " JOIN offerings o ON o.id = d.offering_id LEFT JOIN organizations g ON g.id = o.organization_id"
        )
    ).all()
    if connection.dialect.name == "sqlite":
        # What stood there was never in the index, and so cannot be taken out of it by the trigger.
        op.execute("INSERT INTO offering_search (offering_search) VALUES ('rebuild')")
    change = sa.text("UPDATE offering_documents SET search_name = :name, search_text = :text WHERE offering_id = :id")
    for offering_id, name, description, organization in found:
        text = " ".join(_words(f"{name} {description} {organization or ''}"))
        connection.execute(change, {"id": offering_id, "name": " ".join(_words(name)), "text": text})


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text[:100_000].casefold())
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()
    return [word[:60] for word in re.findall(r"[^\W_]+", plain)]


def downgrade() -> None:
    for trigger in ("insert", "update"):
        on = "" if op.get_bind().dialect.name == "sqlite" else " ON offering_documents"
        op.execute(f"DROP TRIGGER offering_search_{trigger}{on}")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER offering_search_delete")
    else:
        op.execute("DROP FUNCTION offering_search_follow()")
    op.execute("DROP TABLE offering_search")
    op.drop_column("offering_documents", "search_name")
    op.drop_index("ix_offerings_shelf", table_name="offerings")
    op.create_index("ix_offerings_listed", "offerings", ["shared", "state", "sort_key", "uuid"], unique=False)
    op.create_index("ix_offerings_sort", "offerings", ["sort_key", "uuid"], unique=False)
