"""Imports: good rows in, bad rows aside with file, row and reason, the same file twice no harm."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.cli.main import main
from shopkeeper.data import quarantine
from shopkeeper.data.events import decoder
from shopkeeper.data.importers.mapping import from_dict, load_mapping
from shopkeeper.data.importers.run import import_file
from shopkeeper.data.shop import open_shop

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def shop(settings):
    with open_shop(settings) as opened:
        yield opened


@pytest.fixture
def write(tmp_path):
    def _write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return _write


def stored(shop):
    return [decoder.decode(row.body) for _, row in shop.store.read(0, 100_000)]


EVENTS = """event,timestamp,user_id,item_id,price
view,2026-01-01T10:00:00Z,u1,i1,12.99
cart,2026-01-01T10:01:00+01:00,u1,i1,12.99
"""


def test_events_come_in_under_other_systems_words_with_exact_money(shop, write):
    summary = import_file(shop, "events", [write("e.csv", EVENTS)])
    assert (summary.accepted, summary.quarantined) == (2, 0)
    first, second = stored(shop)
    assert (first.kind, first.item_id, first.price_minor, first.currency) == (
        *("view_item", "i1", 1299, "USD"),
    )
    assert second.occurred_at == datetime(2026, 1, 1, 9, 1, tzinfo=UTC)


def test_the_same_rows_again_are_duplicates_from_csv_gz_and_parquet(shop, write, tmp_path):
    import_file(shop, "events", [write("e.csv", EVENTS)])
    packed = write("e.csv.gz", gzip.compress(EVENTS.encode()))
    rows = [line.split(",") for line in EVENTS.splitlines()]
    table = pa.table(dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True)))
    pq.write_table(table, tmp_path / "e.parquet")
    summary = import_file(shop, "events", [packed, tmp_path / "e.parquet"])
    assert (summary.accepted, summary.duplicate, summary.conflict) == (0, 4, 0)


def test_bad_rows_go_aside_with_row_and_reason_and_good_rows_go_on(shop, write):
    text = EVENTS + (
        "view,31/31/2020,u1,i1,1\n"
        "view,2026-01-01T10:02:00Z,u1,i1,nan\n"
        "view,2026-01-01T10:02:00Z,u1,i1\n"
        "dance,2026-01-01T10:02:00Z,u1,i1,1\n"
        "view,2099-01-01T10:02:00Z,u1,i1,1\n"
        "view,2026-01-01T10:02:00Z,u1,i1,-3\n"
        "view,2026-01-01T10:03:00Z,u1,i1,3\n"
    )
    summary = import_file(shop, "events", [write("e.csv", text)])
    assert (summary.accepted, summary.quarantined) == (3, 6)
    assert {code: (r.rows, r.first.split(":")[0]) for code, r in summary.reasons.items()} == {
        "bad_time": (1, "e.csv row 4"),
        "not_a_number": (1, "e.csv row 5"),
        "torn_row": (1, "e.csv row 6"),
        "unknown_kind": (1, "e.csv row 7"),
        "time_out_of_range": (1, "e.csv row 8"),
        "wrong_value": (1, "e.csv row 9"),
    }
    kept = quarantine.recent(shop.store)
    assert len(kept) == 6
    assert all(row["message"].startswith("e.csv row ") for row in kept)


def test_lines_of_an_order_become_one_purchase_and_returns_a_refund(shop, write):
    text = (
        "InvoiceNo,StockCode,Quantity,InvoiceDate,Price,Customer ID\n"
        "1,a,2,01.02.2025 10:00,1.50,5\n"
        "2,b,-1,01.02.2025 11:00,2.50,5\n"
        "1,b,1,01.02.2025 10:00,2.50,5\n"
    )
    mapping = from_dict(
        {
            "columns": {"customer_id": "Customer ID"},
            "constants": {"currency": "GBP"},
            "timezone": "Europe/London",
            "date_format": "%d.%m.%Y %H:%M",
        }
    )
    summary = import_file(shop, "orders", [write("o.csv", text)], mapping)
    assert summary.accepted == 2
    events = {event.kind: event for event in stored(shop)}
    purchase = events["purchase"]
    assert [(ln.item_id, ln.quantity, ln.price_minor) for ln in purchase.lines] == [
        ("a", 2.0, 150),
        ("b", 1.0, 250),
    ]
    assert (purchase.order_id, purchase.currency, purchase.customer_id) == ("1", "GBP", "5")
    assert events["refund"].lines[0].quantity == 1.0


def test_an_order_with_a_bad_line_stays_out_whole_so_that_the_mended_file_is_no_conflict(
    shop, write
):
    head = "order_id,item_id,quantity,occurred_at,price\n"
    good = "1,a,1,2026-01-01,5\n"
    bad = import_file(shop, "orders", [write("o.csv", f"{head}{good}1,b,0,2026-01-01,5\n")])
    assert (bad.accepted, bad.quarantined) == (0, 2)
    assert set(bad.reasons) == {"wrong_value", "group_incomplete"}
    mended = import_file(shop, "orders", [write("o.csv", f"{head}{good}1,b,1,2026-01-01,5\n")])
    assert (mended.accepted, mended.conflict, mended.quarantined) == (1, 0, 0)


def test_rows_of_an_order_far_apart_are_refused_not_doubled(shop, write, monkeypatch):
    from shopkeeper.data.importers import reading

    monkeypatch.setattr(reading, "CHUNK_ROWS", 2)
    rows = "".join(f"{order},a,1,2026-01-01,5\n" for order in "1122331")
    path = write("o.csv", f"order_id,item_id,quantity,occurred_at,price\n{rows}")
    summary = import_file(shop, "orders", [path])
    assert summary.accepted == 3
    assert summary.reasons["group_split"].first.startswith("o.csv row 8")


def test_persons_are_sealed_and_never_in_the_log_or_quarantine_in_clear(shop, write):
    text = "customer_id,email,plan,birthday\nc1,ann@example.org,gold,1990-01-01\n,b@c.org,x,y\n"
    mapping = from_dict({"properties": ["plan"]})
    summary = import_file(shop, "customers", [write("c.csv", text)], mapping, at=AT)
    assert (summary.accepted, summary.quarantined) == (1, 1)
    assert summary.unused == {"c.csv": ["birthday"]}
    [(_, row)] = shop.store.read(0, 10)
    assert b"ann@" not in row.body
    assert shop.keyring.open(row.person_sealed, row.event_id)["email"] == "ann@example.org"
    assert decoder.decode(row.body).properties == {"plan": "gold"}
    assert "b@c.org" not in json.dumps(quarantine.recent(shop.store), default=str)


def test_card_numbers_in_a_column_mapped_by_mistake_are_never_shown(shop, write, capsys):
    path = write("p.csv", "item_id,quantity,occurred_at\na,4111 1111 1111 1111,2026-01-01\n")
    summary = import_file(shop, "stock", [path])
    shown = json.dumps(summary.to_dict()) + json.dumps(quarantine.recent(shop.store), default=str)
    assert summary.quarantined == 1
    assert "4111 1111" not in shown


@pytest.mark.parametrize(
    ("kind", "text", "event"),
    [
        (
            "items",
            "sku,title,price,in_stock\na,Mug,9.50,no\n",
            {"kind": "item", "price_minor": 950, "available": False, "currency": "USD"},
        ),
        ("stock", "sku,quantity,store_id\na,4,s\n", {"kind": "stock_level", "location_id": "s"}),
        (
            "payments",
            "payment_id,amount,currency,date\np,1500,JPY,2026-01-01\n",
            {"kind": "payment", "value_minor": 1500},
        ),
        (
            "prices",
            "sku,price_minor,currency,date\na,1234,EUR,2026-01-01\n",
            {"kind": "price", "price_minor": 1234},
        ),
        (
            "promotions",
            "promotion_id,sku,starts_at,ends_at\nw,a,2026-01-01,2026-01-08\nw,b,2026-01-01,2026-01-08\n",
            {"kind": "promotion", "promotion_id": "w"},
        ),
    ],
)
def test_each_kind_of_table_becomes_its_event(shop, write, kind, text, event):
    summary = import_file(shop, kind, [write("t.csv", text)], at=AT)
    assert (summary.accepted, summary.quarantined) == (1, 0), summary.reasons
    [found] = stored(shop)
    assert {name: getattr(found, name) for name in event} == event


def test_missing_columns_say_what_the_file_has_and_lacks(shop, write):
    path = write("orders.csv", "order_id,product,qty\n1,a,2\n")
    with pytest.raises(MissingColumns) as caught:
        import_file(shop, "orders", [path])
    assert str(caught.value) == (
        "orders.csv lacks item_id, quantity, occurred_at; it has order_id, product, qty."
    )
    assert "--map item_id=COLUMN" in caught.value.hint


def test_two_columns_that_fit_are_not_guessed_between(shop, write):
    path = write("e.csv", "kind,date,time,item_id\nview_item,2026-01-01,10:00,a\n")
    with pytest.raises(MissingColumns, match="date and time, and either may be occurred_at"):
        import_file(shop, "events", [path])


def half_parquet(tmp_path):
    pq.write_table(pa.table({"sku": ["a"] * 1000, "quantity": [1] * 1000}), tmp_path / "w.parquet")
    return (tmp_path / "w.parquet").read_bytes()[:-100]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("e.csv", "", "e.csv is empty"),
        ("e.csv", "sku,quantity\n", "e.csv has a header but no rows"),
        ("e.csv", b"sku,quantity\na,1\nb\xe9,2\n", r"byte 18 \(line 3\) is 0xe9"),
        ("e.csv", b"sku,quantity\na\xe2\x82", "ends within a UTF-8 character"),
        ("e.csv.gz", b"not gzip", "is no whole gzip file"),
        ("e.csv.gz", gzip.compress(b"sku,quantity\n" * 9999)[:40], "is no whole gzip file"),
        ("e.parquet", half_parquet, "e.parquet is no whole Parquet file"),
        ("e.xlsx", "x", "e.xlsx is neither CSV, TSV nor Parquet"),
        ("e.csv", "sku,sku\na,b\n", "names the column sku more than once"),
    ],
)
def test_files_that_cannot_be_read_whole_are_refused_by_name(
    shop, write, tmp_path, name, content, message
):
    path = write(name, content(tmp_path) if callable(content) else content)
    with pytest.raises(BadInput, match=message):
        import_file(shop, "stock", [path])
    assert shop.store.last_seq() == 0


def test_a_missing_file_and_an_unknown_kind_say_so(shop, tmp_path, write):
    with pytest.raises(BadInput, match="does not exist"):
        import_file(shop, "stock", [tmp_path / "no.csv"])
    with pytest.raises(BadInput, match="'stocks' is no kind of import"):
        import_file(shop, "stocks", [write("a.csv", "a\n1\n")])


def test_quoted_cells_may_hold_line_breaks_and_other_delimiters(shop, write):
    text = 'sku;title;description\r\na;"Mug; blue";"two\nlines"\r\n'
    import_file(shop, "items", [write("i.csv", b"\xef\xbb\xbf" + text.encode())], at=AT)
    [item] = stored(shop)
    assert (item.title, item.description) == ("Mug; blue", "two\nlines")


def test_mapping_words_and_files_are_checked(tmp_path):
    assert load_mapping(["price=cost"]).columns == {"price_minor": "cost"}
    path = tmp_path / "m.toml"
    path.write_text('[units]\nmoney = "cents"\n', "utf-8")
    with pytest.raises(BadInput, match=r"units.money in .* must be major or minor"):
        load_mapping([str(path)])
    path.write_text("colums = 1\n", "utf-8")
    with pytest.raises(BadInput, match="unknown entry 'colums'"):
        load_mapping([str(path)])
    with pytest.raises(BadInput, match="timezone 'Mars' is unknown"):
        from_dict({"timezone": "Mars"})


def test_the_command_prints_json_and_exits_2_when_every_row_is_bad(settings, write, capsys):
    home = ["--home", str(settings.home), "import"]
    good, bad = write("e.csv", EVENTS), write("b.csv", "sku,quantity\na,x\n")
    assert main([*home, "events", str(good), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == 2
    assert main([*home, "events", str(good)]) == 0
    assert "duplicate             2 events" in capsys.readouterr().out
    assert main([*home, "stock", str(bad)]) == 2
    assert "b.csv row 2: quantity must be a number, but is 'x'" in capsys.readouterr().out


PURCHASES = """po_number,vendor,sku,units,unit_price,date,due_date
po-1,acme,a,12,0.80,2026-01-05T09:00:00Z,2026-01-12
po-1,acme,b,6,1.20,2026-01-05T09:00:00Z,2026-01-12
po-2,acme,a,-4,0.80,2026-01-05T09:00:00Z,2026-01-12
"""


def test_purchase_orders_are_one_event_each_and_negative_ones_go_to_quarantine(shop, write):
    summary = import_file(shop, "purchase_orders", [write("po.csv", PURCHASES)])
    assert (summary.accepted, summary.quarantined) == (1, 1)
    assert "quantity must be above 0, but is -4" in summary.reasons["wrong_value"].first
    (made,) = stored(shop)
    assert (made.kind, made.purchase_order_id, made.supplier_id) == (
        "purchase_order",
        "po-1",
        "acme",
    )
    assert [(line.item_id, line.quantity, line.price_minor) for line in made.lines] == [
        ("a", 12.0, 80),
        ("b", 6.0, 120),
    ]
    assert made.promised_at == datetime(2026, 1, 12, tzinfo=UTC)


def test_deliveries_group_by_shipment_and_the_same_file_again_is_duplicates(shop, write):
    text = (
        "shipment_id,po_number,sku,quantity,date\ns1,po-1,a,5,2026-01-09\ns1,po-1,b,6,2026-01-09\n"
    )
    path = write("d.csv", text)
    assert import_file(shop, "deliveries", [path]).accepted == 1
    assert import_file(shop, "deliveries", [path]).duplicate == 1
    (made,) = stored(shop)
    assert (made.kind, made.purchase_order_id, len(made.lines)) == ("delivery", "po-1", 2)


def test_suppliers_terms_travel_in_properties_and_bad_ones_go_to_quarantine(shop, write):
    text = (
        "supplier,sku,price,lead_time_days,pack_size,returnable,note\n"
        "acme,a,0.80,5,6,yes,x\nacme,b,0.80,soon,6,no,x\nacme,c,0.80,-3,6,no,x\nacme,d,0.8,,,,\n"
    )
    summary = import_file(shop, "suppliers", [write("s.csv", text)])
    assert (summary.accepted, summary.quarantined) == (2, 2)
    assert "lead_time_days must be a number, but is 'soon'" in summary.reasons["wrong_value"].first
    assert summary.unused == {"s.csv": ["note"]}
    first, second = stored(shop)
    assert first.properties == {"lead_time_days": 5.0, "pack_size": 6.0, "returnable": True}
    assert (first.supplier_id, first.item_id, first.price_minor) == ("acme", "a", 80)
    assert second.properties is msgspec.UNSET


def test_a_promotion_without_dates_and_a_negative_count_are_set_aside(shop, write):
    text = "promotion_id,item_id,starts_at,ends_at\np1,a,2026-01-05,2026-01-12\np2,a,,\n"
    summary = import_file(shop, "promotions", [write("p.csv", text)])
    assert (summary.accepted, summary.quarantined) == (1, 1)
    assert "starts_at" in summary.reasons["missing_field"].first
    summary = import_file(shop, "stock", [write("k.csv", "item_id,quantity\na,-2\n")])
    assert (summary.accepted, summary.quarantined) == (0, 1)
    assert "quantity" in summary.reasons["wrong_value"].first
