"""Do one run on many machines: a Ray cluster, or shards that are merged."""
