"""What opens models or sandboxes after a run, and what this machine has."""
