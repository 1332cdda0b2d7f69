"""The spans of ended days in the order in which a period is walked through, and their sums in rows of numbers; and
where the sessions of operators were, for a search at one site."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from fleet.database.types import BigId, Instant

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


_OF_STAFF = "ix_session_operateur_id"


def _index_staff(**more: Any) -> None:
    condition = sa.text("operateur_id IS NOT NULL")
    where: dict[str, Any] = {"postgresql_where": condition, "sqlite_where": condition}
    op.drop_index(_OF_STAFF, "session")
    op.create_index(_OF_STAFF, "session", ["operateur_id", "created_at", "id"], **where, **more)


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("genre", sa.String(length=16), nullable=False),
        sa.Column("site_id", BigId, autoincrement=False, nullable=False),
        sa.Column("depuis", Instant, nullable=False),
        sa.Column("jusqu_a", Instant, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("sommes", sa.Text(), nullable=False),
    ]


def upgrade() -> None:
    _index_staff(postgresql_include=["site_id"])
    connection = op.get_bind()
    op.execute("CREATE TEMPORARY TABLE bilan_avant AS SELECT * FROM bilan")
    op.drop_table("bilan")
    key = sa.PrimaryKeyConstraint("id", name=op.f("pk_bilan"))
    op.create_table("bilan", sa.Column("id", BigId, nullable=False), *_columns(), key)
    before, now = (sa.table(name, *_columns()) for name in ("bilan_avant", "bilan"))
    each = sa.select(before.c.genre, before.c.site_id).distinct()
    for genre, site_id in connection.execute(each).all():
        mine = sa.select(before).where(before.c.genre == genre, before.c.site_id == site_id)
        rows = [{**row._mapping, "sommes": _packed(genre, row.sommes)} for row in connection.execute(mine)]
        connection.execute(sa.insert(now), rows)
    op.execute("DROP TABLE bilan_avant")
    longest = sa.text("jusqu_a DESC")
    op.create_index("uq_bilan_depuis", "bilan", ["genre", "site_id", "depuis", longest, "zone"], unique=True)


_widths: dict[str, Callable[[str], int]] = {
    "sessions": lambda name: {"tout": 4, "cree": 1}.get(name, 3),
    "semaine": lambda _: 2,
    "logs": lambda _: 1,
}


def _packed(genre: str, sums: str) -> str:
    """The keys of each group in order, and then their amounts, but for those that nobody reads."""
    packed = {}
    for name, keyed in json.loads(sums).items():
        width = _widths[genre](name)
        packed[name] = (sorted(keyed), [amount for key in sorted(keyed) for amount in keyed[key][:width]])
    return json.dumps(packed, separators=(",", ":"))


def downgrade() -> None:
    """Without its rows: the job of the night makes them anew."""
    _index_staff()
    op.drop_table("bilan")
    names = ("genre", "site_id", "depuis", "jusqu_a", "zone")
    op.create_table("bilan", *_columns(), sa.PrimaryKeyConstraint(*names, name=op.f("pk_bilan")))
