"""Inventory: how much will sell, how much to order, when."""
