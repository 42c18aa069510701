"""shopkeeper (掌柜): five kinds of shop decision over one event log."""

__version__ = "0.1.0"
