"""Do one run on many machines."""
