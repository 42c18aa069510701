"""A made shop for the tests of support: two customers, some orders, one product in variants."""

from __future__ import annotations

from typing import Any

from shopkeeper.base.clock import DAY_US
from shopkeeper.support import records
from shopkeeper.support.desk import Desk
from shopkeeper.support.dialogue import Message, Outcome, step
from shopkeeper.support.grammar import render
from shopkeeper.support.records import Book, Item, Line, Order, Parcel, Profile
from shopkeeper.support.state import Conversation, decode, encode
from shopkeeper.support.terms import Terms

NOW_US = 1_790_000_000_000_000


def mug(color: str, price: int, *, available: bool = True) -> Item:
    return Item(
        item_id=f"mug-{color}",
        family="mug",
        name="Stoneware Mug",
        options={"color": color},
        price_minor=price,
        available=available,
    )


MUGS = [mug("blue", 1200), mug("red", 1300), mug("green", 1250, available=False)]
TEA = Item(item_id="tea", family="tea", name="Green Tea", price_minor=500)


def line(item: Item, quantity: int = 1) -> Line:
    return Line(
        item_id=item.item_id,
        family=item.family,
        name=item.name,
        options=item.options,
        price_minor=item.price_minor or 0,
        quantity=quantity,
    )


class MadeBook(Book):
    """Ann has four orders, Bob one."""

    def __init__(self) -> None:
        late = Parcel(
            shipment_id="s3",
            tracking="TRK3",
            carrier="Post",
            promised_us=NOW_US - DAY_US,
            late_reason="Snow on the pass.",
        )
        self.held = {
            "ann": [
                self._order("1004", "ann", records.OPEN, [line(MUGS[0]), line(TEA)], 1),
                self._order("1003", "ann", records.SHIPPED, [line(TEA)], 5, parcels=(late,)),
                self._order("1002", "ann", records.DELIVERED, [line(MUGS[0]), line(TEA)], 9),
                self._order("1001", "ann", records.DELIVERED, [line(TEA)], 90),
            ],
            "bob": [self._order("2001", "bob", records.OPEN, [line(MUGS[1])], 1)],
        }
        self.asked: list[str] = []

    def _order(
        self, order_id: str, who: str, status: str, lines: list[Line], days: int, **more: Any
    ):
        at = NOW_US - days * DAY_US
        delivered = at + DAY_US if status == records.DELIVERED else None
        return Order(
            order_id=order_id,
            customer_id=who,
            status=status,
            lines=tuple(lines),
            placed_us=at,
            delivered_us=delivered,
            **more,
        )

    def profile(self, customer_id: str) -> Profile | None:
        return Profile(customer_id=customer_id)

    def orders(self, customer_id: str) -> list[Order]:
        self.asked.append(customer_id)
        return self.held.get(customer_id, [])

    def item(self, item_id: str) -> Item | None:
        return next((one for one in [*MUGS, TEA] if one.item_id == item_id), None)

    def variants(self, family: str) -> list[Item]:
        return [one for one in [*MUGS, TEA] if one.family == family]

    def find_items(self, text: str, limit: int = 5) -> list[Item]:
        low = text.lower()
        return [MUGS[0]] if "mug" in low else [TEA] if "tea" in low else []


class Talk:
    """A conversation in a test: say something, see the acts, the words and the writes."""

    def __init__(
        self,
        who: str | None = "ann",
        *,
        terms: Terms | None = None,
        language: str = "en",
        **given: Any,
    ) -> None:
        self.book, self.language = MadeBook(), language
        self.state = Conversation(conversation_id="c1", customer_id=who)
        self.terms, self.given = (
            terms or Terms(),
            {"recommend": None, "fraud": None, "stock": None, **given},
        )
        self.now_us = NOW_US
        self.address: Any = None
        self.writes: list[Any] = []
        self.outcome: Outcome | None = None

    def say(self, text: str, **more: Any) -> list[str]:
        """Return the kinds of the acts; writes are carried out on the book."""
        desk = Desk(
            state=decode(encode(self.state)),  # as it would come back from the log
            book=self.book,
            terms=self.terms,
            now_us=self.now_us,
            given=self.given,
            address=self.address,
        )
        self.outcome = step(Message(text=text, **more), desk)
        self.state, self.address = self.outcome.state, self.outcome.address
        self.writes = self.outcome.writes
        if self.writes and self.state.customer_id:
            self.book.held[self.state.customer_id] = desk.orders()
        return [one.kind for one in self.outcome.acts]

    @property
    def words(self) -> str:
        assert self.outcome is not None
        rows = render(self.outcome.acts, self.language, seed=f"c1-{self.state.turn}")
        return "\n".join(one.text for one in rows)
