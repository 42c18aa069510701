"""Keep the shelves filled: the nightly plan, its proposals and what becomes of them."""
