"""From two syntax trees to a relation."""
