"""What ended days add up to, in one row for each span of a site, so that a year is a few of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from fleet.database.migrations import closed_days
from fleet.database.types import BigId, Instant

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


_INDEXES = {
    "ix_session_debut_session_id": (["debut_session", "id"], ["utilisateur_id", "site_id"]),
    "ix_session_site_id_debut_session": (["site_id", "debut_session"], ["utilisateur_id"]),
}


def upgrade() -> None:
    for name, (columns, more) in _INDEXES.items():
        op.drop_index(name, "session")
        op.create_index(name, "session", columns, postgresql_include=more)
    closed_days.forget(op.get_bind())
    op.drop_table("bilan")  # the next night adds everything up again
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
    for name, (columns, _) in _INDEXES.items():
        op.drop_index(name, "session")
        op.create_index(name, "session", columns)
    op.create_index(
        "ix_bilan_tout", "bilan", ["genre", "site_id", "depuis"], postgresql_where=whole, sqlite_where=whole
    )
    closed_days.guard(op.get_bind())
