"""Forecasts of demand as a distribution: local models, a global one, and the choice per segment."""
