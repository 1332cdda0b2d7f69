"""What postes are sorted by: "Poste 2" comes before "Poste 10"."""

import re
import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("poste", sa.Column("nom_tri", sa.Text(), nullable=False, server_default=""))
    poste = sa.table("poste", sa.column("id"), sa.column("nom"), sa.column("nom_tri"))
    connection = op.get_bind()
    keys = [{"mine": row.id, "key": _key(row.nom)} for row in connection.execute(sa.select(poste))]
    if keys:
        mine = poste.c.id == sa.bindparam("mine")
        connection.execute(sa.update(poste).where(mine).values(nom_tri=sa.bindparam("key")), keys)


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub("[0-9]+", lambda number: number[0].zfill(8), letters)


def downgrade() -> None:
    op.drop_column("poste", "nom_tri")
