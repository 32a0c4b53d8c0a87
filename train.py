#!/usr/bin/env python3
"""The command line from a checkout: ``python train.py --mode MODE``, the same as the console script ``zskt``."""

import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main` listens, Ctrl-C ends this process without a traceback

from zskt.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
