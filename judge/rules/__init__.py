"""From two readings to what relates them."""
