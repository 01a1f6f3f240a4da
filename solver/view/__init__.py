"""The local web page over runs: `solver view`. Reads runs, never writes one."""
