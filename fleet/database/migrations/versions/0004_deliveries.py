"""What leaves by e-mail and webhook."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from fleet.database.types import BigId, Instant

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "envoi",
        sa.Column("id", BigId, nullable=False),
        sa.Column("genre", sa.String(length=16), nullable=False),
        sa.Column("alerte_id", BigId, nullable=True),
        sa.Column("rapport_genre", sa.String(length=16), nullable=True),
        sa.Column("rapport_jour", sa.Date(), nullable=True),
        sa.Column("cible", sa.String(length=32), nullable=True),
        sa.Column("statut", sa.String(length=16), server_default="a_envoyer", nullable=False),
        sa.Column("essais", sa.Integer(), server_default="0", nullable=False),
        sa.Column("apres", Instant, nullable=False),
        sa.Column("preneur", sa.String(length=64), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.CheckConstraint("genre IN ('alerte', 'fin_alerte', 'rapport')", name=op.f("ck_envoi_genre")),
        sa.CheckConstraint("statut IN ('a_envoyer', 'envoye', 'abandonne')", name=op.f("ck_envoi_statut")),
        sa.ForeignKeyConstraint(
            ["alerte_id"], ["alerte.id"], name=op.f("fk_envoi_alerte_id_alerte"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["rapport_genre", "rapport_jour"],
            ["rapport.genre", "rapport.jour"],
            name="fk_envoi_rapport",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_envoi")),
    )
    op.create_index(op.f("ix_envoi_alerte_id"), "envoi", ["alerte_id"], unique=False)
    op.create_index(
        "ix_envoi_a_envoyer",
        "envoi",
        ["apres"],
        unique=False,
        postgresql_where=sa.text("statut = 'a_envoyer'"),
        sqlite_where=sa.text("statut = 'a_envoyer'"),
    )


def downgrade() -> None:
    op.drop_table("envoi")
