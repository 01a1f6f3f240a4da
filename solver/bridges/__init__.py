"""Give results to other tools: training data, reward functions, tables as files."""
