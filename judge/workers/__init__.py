"""Compare in processes that can be killed."""
