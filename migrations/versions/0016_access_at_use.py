"""who made an organization's feed; with each booking what its booker was shown of the offering, plan and project"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

FILL = """
UPDATE bookings SET as_booked = (
    SELECT {build}(
        'offering', offering.name,
        'provider', coalesce(provider.name, ''),
        'plan', coalesce(plan.name, ''),
        'project', coalesce(project.name, ''),
        'zone', coalesce({zone}, '')
    )
    FROM offerings AS offering
    LEFT JOIN organizations AS provider ON provider.id = offering.organization_id
    LEFT JOIN plans AS plan ON plan.id = bookings.plan_id
    LEFT JOIN projects AS project ON project.id = bookings.project_id
    WHERE offering.id = bookings.offering_id
)
"""
SQLITE = FILL.format(build="json_object", zone="json_extract(offering.attributes, '$.booking_rules.time_zone')")
POSTGRESQL = FILL.format(build="json_build_object", zone="offering.attributes -> 'booking_rules' ->> 'time_zone'")


def upgrade() -> None:
    op.add_column("bookings", sa.Column("as_booked", sa.JSON(none_as_null=True), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(SQLITE if sqlite else POSTGRESQL)
    with op.batch_alter_table("calendar_feeds") as batch:
        batch.add_column(sa.Column("maker_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_calendar_feeds_maker_id"), "users", ["maker_id"], ["id"], ondelete="CASCADE")
        batch.create_index(op.f("ix_calendar_feeds_maker_id"), ["maker_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("calendar_feeds") as batch:
        batch.drop_index(op.f("ix_calendar_feeds_maker_id"))
        batch.drop_constraint(op.f("fk_calendar_feeds_maker_id"), type_="foreignkey")
        batch.drop_column("maker_id")
    op.drop_column("bookings", "as_booked")
