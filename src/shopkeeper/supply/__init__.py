"""From which warehouse, by which route, from which supplier, and when it arrives."""
