"""Customers who behave as the log says, to try policies on before any real customer meets them."""
