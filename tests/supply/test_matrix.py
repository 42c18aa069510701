"""Distances: a known pair, servers that answer and fail, files with holes, wrong coordinates."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput, StoreUnavailable
from shopkeeper.supply import matrix

CITIES = {"berlin": (52.52, 13.405), "munich": (48.137, 11.575), "paris": (48.857, 2.352)}


def test_berlin_to_munich_is_504_km_by_the_globe():
    made = matrix.haversine(CITIES, road_factor=1.0, speed_kmh=100)
    assert made.distance_m[0, 1] == pytest.approx(504_000, rel=0.002)
    assert made.duration_s[0, 1] == pytest.approx(504 / 100 * 3600, rel=0.002)
    assert (made.distance_m == made.distance_m.T).all()


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ((0.0, 0.0), "Place 'x': latitude 0 and longitude are both 0"),
        ((91.0, 13.0), "latitude 91 is beyond the globe"),
        ((13.0, 200.0), "longitude 200 is beyond the globe"),
        ((float("nan"), 3.0), "is no number"),
    ],
)
def test_coordinates_that_are_no_place_are_refused(point, said):
    with pytest.raises(BadInput, match=said):
        matrix.haversine({"x": point})


def test_swapped_coordinates_are_told_by_the_depot():
    points = {"depot": (52.52, 13.405), "x": (13.4, 52.5)}
    with pytest.raises(BadInput, match="looks swapped") as caught:
        matrix.check_points(points, ["depot"])
    assert "km from a depot" in caught.value.hint
    matrix.check_points({"depot": (52.52, 13.405), "x": (48.1, 11.6)}, ["depot"])


class Roads(BaseHTTPRequestHandler):
    """Answers like OSRM and Valhalla: straight lines, no way to Paris."""

    def do_GET(self):
        parts = urlsplit(self.path)
        points = [tuple(map(float, p.split(","))) for p in parts.path.split("/")[-1].split(";")]
        query = parse_qs(parts.query)
        rows = [points[int(i)] for i in query["sources"][0].split(";")]
        columns = [points[int(i)] for i in query["destinations"][0].split(";")]
        table = [[_metres(a, b) for b in columns] for a in rows]
        self._answer({"code": "Ok", "distances": table, "durations": table})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        lines = []
        for source in asked["sources"]:
            a = (source["lon"], source["lat"])
            metres = [_metres(a, (t["lon"], t["lat"])) for t in asked["targets"]]
            lines.append([{"distance": m and m / 1000, "time": m} for m in metres])
        self._answer({"sources_to_targets": lines})

    def _answer(self, body):
        text = json.dumps(body).encode()
        self.send_response(500 if "broken" in self.path else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def _metres(a, b):
    if a != b and b[0] == CITIES["paris"][1]:
        return None
    return round(1000 * abs(a[0] - b[0]) + 1000 * abs(a[1] - b[1]), 1)


@pytest.fixture(scope="module")
def address():
    server = HTTPServer(("127.0.0.1", 0), Roads)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("ask", [matrix.osrm, matrix.valhalla])
def test_servers_are_asked_in_blocks_and_holes_stay_holes(address, ask):
    made = ask(CITIES, address, block=2)
    assert made.places == ("berlin", "munich", "paris")
    assert made.distance_m[0, 1] == pytest.approx(6213, abs=1)
    assert made.distance_m[:2, 2].tolist() == [-1, -1]
    assert made.duration_s[2, 0] > 0
    assert np.diagonal(made.distance_m).tolist() == [0, 0, 0]


def test_a_server_that_fails_or_is_not_there_is_named(address):
    with pytest.raises(StoreUnavailable, match="OSRM answered 500"):
        matrix.osrm(CITIES, address, profile="broken")
    with pytest.raises(StoreUnavailable, match="Valhalla does not answer"):
        matrix.valhalla(CITIES, "http://127.0.0.1:9")
    with pytest.raises(BadInput, match="must start with http"):
        matrix.osrm(CITIES, "file:///etc/passwd?")


def test_a_file_may_have_holes_and_one_way_streets(tmp_path):
    path = tmp_path / "roads.csv"
    path.write_text("from,to,distance_m,duration_s\na,b,10,5\nb,a,30,9\na,c,7,\n", "utf-8")
    made = matrix.from_csv(path)
    assert made.distance_m.tolist() == [[0, 10, -1], [30, 0, -1], [-1, -1, 0]]
    assert made.duration_s[0, 2] == -1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from,to,distance_m\na,b,1\n", "lacks duration_s"),
        ("from,to,distance_m,duration_s\n", "has no rows"),
        ("from,to,distance_m,duration_s\na,b,-4,1\n", "row 1: column 'distance_m' is '-4'"),
        ("from,to,distance_m,duration_s\na,,4,1\n", "row 1: column 'to' is empty"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(tmp_path, text, said):
    path = tmp_path / "roads.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match=said):
        matrix.from_csv(path)
