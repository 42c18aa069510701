"""Places, parcels and carriers from files: what other systems call them, and what cannot be."""

from __future__ import annotations

import json

import pytest

from shopkeeper.data import quarantine
from shopkeeper.data.events import decoder
from shopkeeper.data.importers.mapping import Mapping
from shopkeeper.data.importers.run import import_file
from shopkeeper.data.shop import open_shop


@pytest.fixture
def shop(settings):
    with open_shop(settings) as opened:
        yield opened


def write(tmp_path, name: str, text: str):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def stored(shop):
    shop.warehouse.refresh()
    return [decoder.decode(row.body) for _, row in shop.store.read(0, 1000)]


def test_places_are_read_and_impossible_ones_are_set_aside_with_the_reason(shop, tmp_path):
    text = (
        "warehouse_id,name,lat,lon,opens_minute,closes_minute\n"
        "north,North,52.5,13.4,480,1080\n"
        "zero,Zero,0,0,,\n"
        "swapped,Swapped,116.4,39.9,,\n"
        "far,Far,91,200,,\n"
        "half,Half,52.5,,,\n"
        "word,Word,near,13.4,,\n"
        "shut,Shut,52.5,13.4,1080,480\n"
    )
    done = import_file(shop, "locations", [write(tmp_path, "places.csv", text)])
    assert (done.accepted, done.quarantined) == (1, 6)
    shop.warehouse.refresh()
    [row] = shop.warehouse.sql("SELECT * FROM locations").to_pylist()
    assert (row["location_id"], row["title"], row["latitude"]) == ("north", "North", 52.5)
    assert row["closes_minute"] == 1080
    said = " ".join(row["message"] for row in quarantine.recent(shop.store, 20))
    for words in ("place in the sea", "swapped", "no place on earth", "other half", "opens at"):
        assert words in said
    again = import_file(shop, "locations", [tmp_path / "places.csv"])
    assert (again.accepted, again.duplicate) == (0, 1)


def test_parcels_with_their_arrival_teach_the_promise(shop, tmp_path):
    orders = "order_id,occurred_at,customer_id,item_id,quantity,price\n" + "".join(
        f"o{n},2026-01-05T10:00:00Z,c{n},mug,1,9.00\n" for n in range(1, 6)
    )
    import_file(shop, "orders", [write(tmp_path, "o.csv", orders)])
    text = (
        "Tracking Number,order_id,shipped_at,Carrier,warehouse,promised_date,delivered_at,"
        "state,km\n"
        "t1,o1,2026-01-05T16:00:00Z,post,north,2026-01-09,2026-01-08T11:00:00Z,,12\n"
        "t2,o2,2026-01-05T16:00:00Z,post,north,2026-01-09,2026-01-11T11:00:00Z,,12\n"
        "t3,o3,2026-01-05T16:00:00Z,post,north,2026-01-09,,lost,12\n"
        "t4,o4,2026-01-05T16:00:00Z,post,north,2026-01-09,,,-3\n"
        "t5,o5,2026-01-05T16:00:00Z,post,north,2026-01-09,2026-01-02T11:00:00Z,,12\n"
    )
    mapping = Mapping(columns={"status": "state", "distance_km": "km"})
    path = write(tmp_path, "p.csv", text)
    done = import_file(shop, "shipments", [path], mapping=mapping)
    assert (done.accepted, done.quarantined) == (6, 2)
    shop.warehouse.refresh()
    rows = shop.warehouse.sql("SELECT * FROM parcels ORDER BY shipment_id").to_pylist()
    assert [(r["shipment_id"], r["state"]) for r in rows] == [
        ("t1", "delivered"),
        ("t2", "late"),
        ("t3", "failed"),
    ]
    assert {(r["carrier"], r["location_id"], r["distance_km"]) for r in rows} == {
        ("post", "north", 12.0)
    }
    said = " ".join(row["message"] for row in quarantine.recent(shop.store, 20))
    assert "arrived before it left" in said
    assert "distance_km must be 0 or more, but is -3" in said


def test_carriers_become_tariffs_that_the_checkout_reads(shop, tmp_path):
    from shopkeeper.supply.rebuild import rebuild

    text = "carrier,parcel_minor,km_minor,days\npost,590,0.5,2\nvan,250,-1,1\n,100,,\n"
    done = import_file(shop, "carriers", [write(tmp_path, "c.csv", text)])
    assert (done.accepted, done.quarantined) == (1, 2)
    [event] = stored(shop)
    assert json.loads(event.text) == {"parcel_minor": 590.0, "km_minor": 0.5, "days": 2.0}
    tariffs = rebuild(shop.warehouse).tariffs()
    assert (tariffs["post"].parcel_minor, tariffs["post"].days) == (590.0, 2.0)
