"""Show runs as local web pages (`solver view`). Runs are only read, never changed."""
