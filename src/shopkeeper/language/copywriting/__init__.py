"""Text that sells and text that sums up, from facts alone: product copy and review summaries."""
