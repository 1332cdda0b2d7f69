"""How machines become postes: tokens, what they are known by at the broker, and machines that ask."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from fleet.database.types import BigId, Instant, Json

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _of(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    _tokens()
    op.create_table(
        "identite",
        sa.Column("poste_id", BigId, nullable=False),
        sa.Column("mot_de_passe", sa.String(length=255), nullable=True),
        sa.Column("enrolement_id", BigId, nullable=True),
        sa.Column("machine", Json, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("renouvelee_a", Instant, nullable=True),
        sa.Column("revoquee_a", Instant, nullable=True),
        sa.CheckConstraint(
            "(mot_de_passe IS NULL) = (revoquee_a IS NOT NULL)", name=op.f("ck_identite_revoquee")
        ),
        _of("identite", "poste_id", "poste", "CASCADE"),
        _of("identite", "enrolement_id", "enrolement", "SET NULL"),
        sa.PrimaryKeyConstraint("poste_id", name=op.f("pk_identite")),
    )
    op.create_table(
        "demande_enrolement",
        sa.Column("id", BigId, nullable=False),
        sa.Column("empreinte", sa.String(length=64), nullable=False),
        sa.Column("machine", Json, nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("fois", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("vue_a", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demande_enrolement")),
        sa.UniqueConstraint("empreinte", name=op.f("uq_demande_enrolement_empreinte")),
    )
    op.create_index(op.f("ix_demande_enrolement_vue_a"), "demande_enrolement", ["vue_a"])


def _tokens() -> None:
    op.create_table(
        "enrolement",
        sa.Column("id", BigId, nullable=False),
        sa.Column("poste_id", BigId, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("statut", sa.String(length=16), nullable=False, server_default="ouvert"),
        sa.Column("operateur_id", BigId, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expire_a", Instant, nullable=False),
        sa.Column("fini_a", Instant, nullable=True),
        sa.CheckConstraint("statut IN ('ouvert', 'utilise', 'retire')", name=op.f("ck_enrolement_statut")),
        sa.CheckConstraint("(statut = 'ouvert') = (fini_a IS NULL)", name=op.f("ck_enrolement_fini")),
        _of("enrolement", "poste_id", "poste", "CASCADE"),
        _of("enrolement", "operateur_id", "operateur", "RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolement")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_enrolement_token_hash")),
    )
    opened = sa.text("statut = 'ouvert'")
    op.create_index(
        "uq_enrolement_ouvert", "enrolement", ["poste_id"], unique=True, postgresql_where=opened,
        sqlite_where=opened,
    )  # fmt: skip


def downgrade() -> None:
    for table in ("demande_enrolement", "identite", "enrolement"):
        op.drop_table(table)
