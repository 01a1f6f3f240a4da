"""The kinds of box a program runs in, and what they need of this machine."""
