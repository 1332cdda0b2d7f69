"""What ended weeks add up to, by site, so that figures of a year do not read a year's rows."""

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
        sa.Column("depuis", Instant, nullable=False),
        sa.Column("site_id", BigId, autoincrement=False, nullable=False),
        sa.Column("quoi", sa.String(length=16), nullable=False),
        sa.Column("cle", sa.Text(), nullable=False),
        sa.Column("jusqu_a", Instant, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("nombre", BigId, nullable=False),
        sa.Column("utilise_ms", BigId, server_default="0", nullable=False),
        sa.Column("attente_ms", BigId, server_default="0", nullable=False),
        sa.Column("accorde_ms", BigId, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("genre", "depuis", "site_id", "quoi", "cle", name=op.f("pk_bilan")),
    )
    whole = sa.text("quoi = 'tout'")
    op.create_index(
        "ix_bilan_tout", "bilan", ["genre", "site_id", "depuis"], postgresql_where=whole, sqlite_where=whole
    )
    closed_days.guard(op.get_bind())


def downgrade() -> None:
    closed_days.forget(op.get_bind())
    op.drop_table("bilan")
