"""Ask a language model where the rules cannot decide."""
