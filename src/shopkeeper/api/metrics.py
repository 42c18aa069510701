"""What the server counts, for Prometheus. Each app has its own registry.

Counters that the hot path touches keep their labelled children in a dict, because finding a
child by label costs more than counting. What others know (queue, freshness) is read on scrape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from shopkeeper.base import clock

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """All series of one server; docs/reference/http-api.md lists them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        of = self.registry
        self._requests = Histogram(
            "shopkeeper_request_seconds",
            "Time from the first byte of a request to the last of its answer.",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=of,
        )
        self._events = Counter(
            "shopkeeper_events_total", "Events by what became of them.", ["result"], registry=of
        )
        self._decisions = Counter(
            "shopkeeper_decisions_total",
            "Decisions by capability, model and whether it was the fallback.",
            ["capability", "model", "fallback"],
            registry=of,
        )
        self._decide = Histogram(
            "shopkeeper_decision_seconds",
            "Time that a decision took, without HTTP.",
            ["capability"],
            buckets=SECONDS,
            registry=of,
        )
        self.commit_seconds = Histogram(
            "shopkeeper_commit_seconds", "Time of one durable commit.", buckets=SECONDS, registry=of
        )
        self.compactions = Counter(
            "shopkeeper_compactions_total", "Compactions by result.", ["result"], registry=of
        )
        self.started = Gauge(
            "shopkeeper_start_time_seconds", "When this server started, in Unix time.", registry=of
        )
        self.started.set(clock.now_us() / 1e6)
        for result in ("accepted", "duplicate", "conflict", "rejected"):
            self._events.labels(result)
        self._children: dict[tuple[Any, ...], Any] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            known = method if method in ("GET", "POST", "HEAD", "OPTIONS") else "other"
            child = self._children[key] = self._requests.labels(known, route, str(status))
        child.observe(seconds)

    def events(self, *, accepted: int, duplicate: int, conflict: int, rejected: int) -> None:
        """Count what became of the events of one request."""
        given = {
            "accepted": accepted,
            "duplicate": duplicate,
            "conflict": conflict,
            "rejected": rejected,
        }
        for result, count in given.items():
            if count:
                self._events.labels(result).inc(count)

    def decision(self, capability: str, model: str, seconds: float, *, fallback: bool) -> None:
        """Count one decision."""
        key = (capability, model, fallback)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = (
                self._decisions.labels(capability, model, str(fallback).lower()),
                self._decide.labels(capability),
            )
        child[0].inc()
        child[1].observe(seconds)

    def read_on_scrape(self, gauges: Callable[[], dict[str, tuple[str, float]]]) -> None:
        """Let ``gauges`` say name -> (help, value) at every scrape."""
        self.registry.register(_OnScrape(gauges))

    def text(self) -> bytes:
        """Return the page that Prometheus reads."""
        return generate_latest(self.registry)


class _OnScrape:
    def __init__(self, gauges: Callable[[], dict[str, tuple[str, float]]]) -> None:
        self._gauges = gauges

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for name, (text, value) in self._gauges().items():
            yield GaugeMetricFamily(name, text, value=value)
