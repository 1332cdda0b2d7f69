"""What ended days add up to, in one row for each span of a site, so that a year is a few of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from fleet.database.migrations import closed_days
from fleet.database.types import BigId, Instant

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "bilan",
        sa.Column("genre", sa.String(length=16), nullable=False),
        sa.Column("site_id", BigId, autoincrement=False, nullable=False),
        sa.Column("depuis", Instant, nullable=False),
        sa.Column("jusqu_a", Instant, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("sommes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("genre", "site_id", "depuis", "jusqu_a", "zone", name=op.f("pk_bilan")),
    )
    closed_days.guard(op.get_bind())


def downgrade() -> None:
    closed_days.forget(op.get_bind())
    op.drop_table("bilan")
