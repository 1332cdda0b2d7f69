"""What a judge or the police may ask for, and the two people who let it go."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from fleet.database.types import BigId, Instant

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _of(column: str, table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_requisition_{column}_{table}")
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=name, ondelete="RESTRICT")


def upgrade() -> None:
    op.create_table(
        "requisition",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("depuis", Instant, nullable=False),
        sa.Column("jusqu_a", Instant, nullable=False),
        sa.Column("site_id", BigId, nullable=True),
        sa.Column("poste_id", BigId, nullable=True),
        sa.Column("utilisateur_id", BigId, nullable=True),
        sa.Column("statut", sa.String(length=16), nullable=False, server_default="demandee"),
        sa.Column("demandee_par", BigId, nullable=False),
        sa.Column("decidee_par", BigId, nullable=True),
        sa.Column("decidee_a", Instant, nullable=True),
        sa.Column("valable_jusqu_a", Instant, nullable=False),
        sa.Column("remises", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint(
            "statut IN ('demandee', 'approuvee', 'refusee')", name=op.f("ck_requisition_statut")
        ),
        sa.CheckConstraint(
            "statut <> 'approuvee' OR (decidee_par IS NOT NULL AND decidee_par <> demandee_par)",
            name=op.f("ck_requisition_deux_personnes"),
        ),
        _of("site_id", "site"),
        _of("poste_id", "poste"),
        _of("demandee_par", "operateur"),
        _of("decidee_par", "operateur"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requisition")),
    )


def downgrade() -> None:
    op.drop_table("requisition")
