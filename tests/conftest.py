"""What every test needs of the process it runs in."""

import os
import signal

from hypothesis import HealthCheck, settings

# A shell that starts the suite in the background ignores Ctrl-C for it and for all it starts, and
# then the tests that press it wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Two at a time, tests are given the width of a terminal; what they read off is as for a file.
os.environ.pop("COLUMNS", None)

# An example takes any time on a machine whose cores are busy.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
