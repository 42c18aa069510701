"""Which units are set aside for which orders: checked and taken in one durable transaction.

``reservations.sqlite3`` lies beside the log. The log tells what happened (events of kind
reservation, shipment, cancel); this file is the lock that makes checking and taking one step
for all threads and processes, and can be made again from the log.

A hold counts until its goods leave, its order is cancelled, or its time is over before the
order came. ``gone_seq`` is the log's number of the event that ended it: a reader whose stock
does not know that event yet still counts the hold, so no unit is free twice in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from shopkeeper.base.errors import StoreUnavailable
from shopkeeper.data.log.engine import make_engine, unavailable

Cell = tuple[str, str]  # (location_id, item_id)
FOREVER_US = 2**62
EPSILON = 1e-9
KEPT_GONE = 100_000  # ended holds that stay for the pages

_meta = sa.MetaData()
_holds = sa.Table(
    "holds",
    _meta,
    sa.Column("hold", sa.Integer, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("location_id", sa.Text, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("quantity", sa.Float, nullable=False),
    sa.Column("decision_id", sa.Text, nullable=False),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("expires_us", sa.BigInteger, nullable=False),
    sa.Column("gone_seq", sa.BigInteger),
    sa.Column("gone_why", sa.Text),
    sa.Index("ix_holds_order", "order_id"),
    # The only question of a checkout: what of these products is held now?
    sa.Index("ix_holds_live", "item_id", "location_id", sqlite_where=sa.text("gone_seq IS NULL")),
    sa.Index("ix_holds_gone", "gone_seq"),
)


# What the last batch found a unit to be worth, replaced whole; '' as location: the product was
# in the batch, so its other shelves are worth nothing.
_prices = sa.Table(
    "prices",
    _meta,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("location_id", sa.Text, primary_key=True),
    sa.Column("minor", sa.Float, nullable=False),
    sa.Column("made_us", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Units of one product set aside at one location for one order."""

    order_id: str
    location_id: str
    item_id: str
    quantity: float
    decision_id: str
    made_us: int
    expires_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What an event of the log means for holds of an order.

    ``why`` bought: keep it however long it takes. shipped: these units left ``location_id``.
    cancelled: all of it is free again.
    """

    order_id: str
    why: str
    seq: int
    location_id: str = ""
    units: Mapping[str, float] | None = None  # item_id -> units; None: all of the order


class Reservations:
    """The holds of one shop folder; safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as problem:
            raise StoreUnavailable(
                f"{path} cannot be made or opened: {problem.strerror}.",
                hint="Check free space and rights of the shop folder.",
            ) from problem
        self._engine = make_engine(path)
        with self._writing() as connection:
            _meta.create_all(connection)

    def take(
        self,
        holds: Sequence[Hold],
        on_hand: Mapping[Cell, float],
        *,
        seq: int,
        now_us: int,
        settle: Iterable[Ended] = (),
        empty: Iterable[str] = (),
    ) -> bool:
        """Set units aside if all of them are free; else change nothing and return False.

        ``on_hand`` units per cell as of the log's ``seq``. Earlier holds of the same order are
        replaced, so a checkout that is sent again holds its units once. ``settle`` are events
        that this caller has seen since, applied first. ``empty``: orders that hold nothing now.
        """
        with self._writing() as connection:
            self._settle(connection, settle)
            orders = sorted({*empty, *(hold.order_id for hold in holds)})
            items = {hold.item_id for hold in holds}
            taken = _held(connection, items, seq, now_us, without=orders)
            for hold in holds:
                cell = (hold.location_id, hold.item_id)
                taken[cell] = taken.get(cell, 0.0) + hold.quantity
                if taken[cell] > on_hand.get(cell, 0.0) + EPSILON:
                    return False
            connection.execute(
                _holds.update()
                .where(_holds.c.order_id.in_(orders), _holds.c.gone_seq.is_(None))
                .values(gone_seq=0, gone_why="replaced")
            )
            rows = [{name: getattr(hold, name) for name in Hold.__slots__} for hold in holds]
            if rows:
                connection.execute(_holds.insert(), rows)
        return True

    def settle(self, ended: Iterable[Ended]) -> None:
        """Apply what the log says of orders: bought, shipped, cancelled."""
        with self._writing() as connection:
            self._settle(connection, ended)

    def held(
        self,
        items: Iterable[str] | None,
        *,
        seq: int,
        now_us: int,
        without: Sequence[str] = (),
    ) -> dict[Cell, float]:
        """Return the units held per cell for some products, or for all (None).

        ``without`` leaves out the holds of some orders, such as the one that asks again.
        """
        with self._reading() as connection:
            some = None if items is None else set(items)
            return _held(connection, some, seq, now_us, without=without)

    def put_prices(
        self, prices: Mapping[Cell, float], items: Iterable[str], *, made_us: int
    ) -> None:
        """Replace what units on shelves are worth, in minor units; ``items`` were all priced."""
        rows = [
            {"item_id": item, "location_id": place, "minor": minor, "made_us": made_us}
            for (place, item), minor in prices.items()
        ]
        rows += [
            {"item_id": item, "location_id": "", "minor": 0.0, "made_us": made_us}
            for item in sorted(set(items))
        ]
        with self._writing() as connection:
            connection.execute(_prices.delete())
            if rows:
                connection.execute(_prices.insert(), rows)

    def prices(
        self, items: Sequence[str] | None, *, since_us: int
    ) -> tuple[dict[Cell, float], frozenset[str]]:
        """Return (prices by cell, products that were priced) made since a moment."""
        chosen = _prices.select().where(_prices.c.made_us >= since_us)
        if items is not None:
            chosen = chosen.where(_prices.c.item_id.in_(list(items)))
        with self._reading() as connection:
            rows = connection.execute(chosen).fetchall()
        found = {(r.location_id, r.item_id): r.minor for r in rows if r.location_id}
        return found, frozenset(r.item_id for r in rows if not r.location_id)

    def live_orders(self) -> set[str]:
        """Return the orders that hold anything."""
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(_holds.c.order_id).distinct().where(_holds.c.gone_seq.is_(None))
            )
            return {row[0] for row in rows}

    def of_order(self, order_id: str) -> list[dict[str, Any]]:
        """Return all holds of an order, ended ones too, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(
                _holds.select().where(_holds.c.order_id == order_id).order_by(_holds.c.hold)
            )
            return [dict(row._mapping) for row in rows]

    def tidy(self) -> int:
        """Drop the oldest ended holds beyond KEPT_GONE; return how many."""
        with self._writing() as connection:
            newest = connection.execute(sa.select(sa.func.max(_holds.c.hold))).scalar() or 0
            gone = connection.execute(
                _holds.delete().where(
                    _holds.c.gone_seq.is_not(None), _holds.c.hold < newest - KEPT_GONE
                )
            )
            return gone.rowcount

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _settle(self, connection: sa.Connection, ended: Iterable[Ended]) -> None:
        for one in ended:
            chosen = sa.and_(_holds.c.order_id == one.order_id, _holds.c.gone_seq.is_(None))
            if one.why == "bought":
                connection.execute(_holds.update().where(chosen).values(expires_us=FOREVER_US))
            elif one.units is None:
                connection.execute(
                    _holds.update().where(chosen).values(gone_seq=one.seq, gone_why=one.why)
                )
            else:
                for item_id, units in one.units.items():
                    _leave(connection, one, item_id, units)

    @contextmanager
    def _writing(self) -> Any:
        try:
            with self._engine.connect() as connection:
                connection = connection.execution_options(begin="IMMEDIATE")
                with connection.begin():
                    yield connection
        except exc.DBAPIError as problem:
            raise unavailable(problem.orig, self.path) from problem

    @contextmanager
    def _reading(self) -> Any:
        try:
            with self._engine.connect() as connection:
                yield connection
        except exc.DBAPIError as problem:
            raise unavailable(problem.orig, self.path) from problem


def _held(
    connection: sa.Connection,
    items: set[str] | None,
    seq: int,
    now_us: int,
    *,
    without: Sequence[str],
) -> dict[Cell, float]:
    """Return held units: live and in time, or ended by an event that ``seq`` does not know."""
    counts = sa.or_(
        sa.and_(_holds.c.gone_seq.is_(None), _holds.c.expires_us > now_us),
        _holds.c.gone_seq > seq,
    )
    chosen = (
        sa.select(_holds.c.location_id, _holds.c.item_id, sa.func.sum(_holds.c.quantity))
        .where(counts)
        .group_by(_holds.c.location_id, _holds.c.item_id)
    )
    if items is not None:
        chosen = chosen.where(_holds.c.item_id.in_(sorted(items)))
    if without:
        chosen = chosen.where(_holds.c.order_id.not_in(without))
    return {(row[0], row[1]): float(row[2]) for row in connection.execute(chosen)}


def _leave(connection: sa.Connection, ended: Ended, item_id: str, units: float) -> None:
    """End holds of an order for units that left a location; what is left over goes on."""
    rows = connection.execute(
        _holds.select().where(
            _holds.c.order_id == ended.order_id,
            _holds.c.location_id == ended.location_id,
            _holds.c.item_id == item_id,
            _holds.c.gone_seq.is_(None),
        )
    ).fetchall()
    for row in rows:
        if units <= EPSILON:
            return
        part = min(units, row.quantity)
        units -= part
        over = {"gone_seq": ended.seq, "gone_why": ended.why}
        update = _holds.update().where(_holds.c.hold == row.hold)
        if part >= row.quantity - EPSILON:
            connection.execute(update.values(**over))
            continue
        connection.execute(update.values(quantity=row.quantity - part))
        left = {k: v for k, v in row._mapping.items() if k != "hold"}
        connection.execute(_holds.insert(), {**left, "quantity": part, **over})
