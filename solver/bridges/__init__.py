"""Other tools: training data and rewards, tables as files."""
