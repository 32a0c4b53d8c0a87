#!/usr/bin/env python3
"""The command line from a checkout: ``python train.py --mode MODE``, the same as the console script ``zskt``."""

import sys

from zskt.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
