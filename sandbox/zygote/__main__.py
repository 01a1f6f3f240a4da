"""Starts the fork server: `python -m zygote '<settings>'`."""

from .server import main

main()
