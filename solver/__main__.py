"""Start the command line; a Ctrl-C while it starts or ends leaves no traceback."""

import signal
import sys


def main() -> None:
    """Run the command line, whose modules take a moment to be imported."""
    try:
        from solver.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # the threads that are left may take long


if __name__ == "__main__":
    main()
