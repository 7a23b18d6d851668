"""Runs migrations on the application's database (`flask --app wsgi db upgrade`)."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from portal.extensions import db
from portal.models import Base
from portal.models.base import Money, OrderedText, UTCDateTime

config = context.config


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Migrations name plain SQLAlchemy types, so that they go on working when the models move."""
    if kind == "type":
        if isinstance(item, UTCDateTime):
            return "sa.DateTime(timezone=True)"
        if isinstance(item, Money):
            return 'sa.Numeric(22, 10).with_variant(sa.String(34), "sqlite")'
        if item is OrderedText:
            return 'sa.Text().with_variant(sa.Text(collation="C"), "postgresql")'
    return False


def migrate(connection: Connection) -> None:
    """Bring the schema to the wanted revision in one transaction."""
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # Rebuilding a table would otherwise delete the rows that refer to it. Asked of the driver, since inside
        # a transaction the pragma has no effect.
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_item=render_item,
        include_name=lambda name, kind, _parents: kind != "table" or not str(name).startswith("offering_search"),
    )
    with context.begin_transaction():
        context.run_migrations()
    if sqlite:
        broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
        if broken:
            raise RuntimeError(f"the migration left rows that refer to nothing: {broken[:5]}")
        connection.commit()
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]


if context.is_offline_mode():
    raise SystemExit("Migrations need the database: they run online only.")
given = config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with current_app.app_context(), db.engine.connect() as fresh:
        migrate(fresh)
    db.engine.dispose()
