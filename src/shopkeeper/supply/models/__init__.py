"""Models of supply: what learns from deliveries."""
