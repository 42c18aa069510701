"""Interaction files: every format reads the same, every fault names file, column and row."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.data.importers.interactions import parse_moment, read_interactions, read_items

HEAD = "user_id,item_id,timestamp\n"
COUNTED = "user_id,item_id,timestamp,quantity\n"
AT = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1_000_000)


def write(tmp_path, text, name="log.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-03-01", "2024-03-02"),
        ("2024-03-01T00:00:00Z", "2024-03-01T02:00:00+02:00"),
        ("2024-03-01 00:00:00", "2024-03-01 00:00:00.5"),
        ("20240301", "20240302"),
        (str(AT // 1_000_000), str(AT // 1_000_000 + 1)),
        (str(AT // 1_000), str(AT // 1_000 + 1)),
        (str(AT), str(AT + 1)),
        (str(AT) + "000", str(AT + 1) + "000"),
    ],
)
def test_a_moment_may_be_a_date_an_iso_time_or_an_epoch_number(tmp_path, first, second):
    rows = read_interactions(write(tmp_path, f"{HEAD}a,x,{first}\nb,y,{second}\n"))
    assert rows.at_us[0] == AT
    assert rows.at_us[1] >= AT


def test_an_offset_is_taken_to_utc(tmp_path):
    rows = read_interactions(
        write(tmp_path, f"{HEAD}a,x,2024-03-01T02:00:00+02:00\nb,y,2024-03-01\n")
    )
    assert rows.at_us.tolist() == [AT, AT]


def test_rows_of_one_moment_keep_the_order_of_the_file(tmp_path):
    rows = read_interactions(write(tmp_path, HEAD + "b,y,2\na,x,2\nb,x,1\na,y,2\n"))
    named = [
        (rows.user_ids[u], rows.item_ids[i]) for u, i in zip(rows.user, rows.item, strict=True)
    ]
    assert named == [("b", "x"), ("b", "y"), ("a", "x"), ("a", "y")]


def test_all_formats_read_the_same(tmp_path):
    text = HEAD + "a,x,2024-03-01\nb,y,2024-03-02\n"
    table = pa.table({"user_id": ["a", "b"], "item_id": ["x", "y"]})
    table = table.append_column(
        "timestamp", pa.array([AT, AT + 86_400_000_000], pa.timestamp("us"))
    )
    pq.write_table(table, tmp_path / "log.parquet")
    packed = gzip.compress((tmp_path / "log.parquet").read_bytes())
    files = [
        write(tmp_path, text),
        write(tmp_path, b"\xef\xbb\xbf" + text.encode(), "bom.csv"),
        write(tmp_path, text.replace("\n", "\r\n"), "windows.csv"),
        write(tmp_path, text.replace(",", "\t"), "log.tsv"),
        write(tmp_path, gzip.compress(text.encode()), "log.csv.gz"),
        tmp_path / "log.parquet",
        write(tmp_path, packed, "log.parquet.gz"),
    ]
    for path in files:
        rows = read_interactions(path)
        assert (rows.user_ids, rows.item_ids) == (["a", "b"], ["x", "y"]), path.name
        assert rows.at_us.tolist() == [AT, AT + 86_400_000_000], path.name


def test_columns_are_mapped_by_name(tmp_path):
    path = write(tmp_path, "who,what,when\na,x,1\nb,y,2\n")
    names = {"user_id": "who", "item_id": "what", "timestamp": "when"}
    assert read_interactions(path, names).user_ids == ["a", "b"]
    with pytest.raises(BadInput, match="--map knows no column 'color'"):
        read_interactions(path, {"color": "who"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: no heading and no rows"),
        (HEAD, "has no rows"),
        (HEAD + "a,x,1\n,y,2\n", "row 2: column 'user_id' is empty or NaN"),
        (HEAD + "a,x,1\nNaN,y,2\n", "row 2: column 'user_id' is empty or NaN"),
        (HEAD + "a,x,1\nb,  ,2\n", "row 2: column 'item_id' is empty or NaN"),
        (HEAD + "a,x,2024-03-01\nb,y,soon\n", "row 2: column 'timestamp' is no date .* 'soon'"),
        (HEAD + "a,x,2024-03-01\nb,y,2024-02-31\n", "row 2: column 'timestamp' is no date"),
        (HEAD + "a,x,2024-03-01\nb,y,\n", "row 2: column 'timestamp' is no date"),
        (HEAD + "a,x,1\na,y,2\n", "holds one user only, 'a'"),
        (HEAD + "a,x,1\nb,y\n", "cannot be read: .*Expected 3 columns, got 2"),
        ("user_id,item_id,timestamp,quantity\na,x,1,1\nb,y,2,many\n", "row 2: .*'quantity' is no"),
        (
            "user_id,item_id,timestamp,quantity\na,x,1,1\nb,y,2,NaN\n",
            "row 2: .*'quantity' is empty",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_column_and_first_bad_row(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(BadInput, match=message) as caught:
        read_interactions(path)
    assert "log.csv" in caught.value.message


def test_missing_columns_are_named_with_those_that_are_there(tmp_path):
    path = write(tmp_path, "customer,item_id,timestamp\na,x,1\n")
    with pytest.raises(MissingColumns, match="lacks user_id; it has customer, item_id, timestamp"):
        read_interactions(path)


@pytest.mark.parametrize("name", ["log.csv.gz", "log.parquet", "log.parquet.gz"])
def test_a_damaged_file_is_refused_by_name(tmp_path, name):
    with pytest.raises(BadInput, match=name):
        read_interactions(write(tmp_path, b"PAR1 this is no such file", name))


def test_a_file_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="is not a file"):
        read_interactions(tmp_path / "none.csv")


def test_whole_numbers_with_a_gap_elsewhere_read_without_the_point(tmp_path):
    table = pa.table({"user_id": [1.0, 2.0], "item_id": [7, 8], "timestamp": [1, 2]})
    pq.write_table(table, tmp_path / "log.parquet")
    rows = read_interactions(tmp_path / "log.parquet")
    assert (rows.user_ids, rows.item_ids) == (["1", "2"], ["7", "8"])
    bad = pa.table({"user_id": [1.0, np.nan], "item_id": [7, 8], "timestamp": [1, 2]})
    pq.write_table(bad, tmp_path / "bad.parquet")
    with pytest.raises(BadInput, match="row 2: column 'user_id' is empty or NaN"):
        read_interactions(tmp_path / "bad.parquet")


def test_items_are_read_with_what_they_have(tmp_path):
    path = write(tmp_path, "item_id,title,category\nx,Blue mug,Kitchen\ny,,\n", "items.csv")
    found = read_items(path)
    assert found.text == {"x": "Blue mug Kitchen", "y": ""}
    assert found.category == {"x": "Kitchen", "y": ""}


def test_at_must_be_a_moment():
    assert parse_moment("2024-03-01") == AT
    with pytest.raises(BadInput, match="--at must be a date or a moment, but is 'soon'"):
        parse_moment("soon")
