"""Let `python -m solver` be the command line."""

from solver.cli import main

if __name__ == "__main__":
    main()
