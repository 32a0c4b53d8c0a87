#!/usr/bin/env python3
"""The command line of zskt: ``python train.py --mode MODE``, the same as the console script ``zskt``."""

import sys

from zskt.cli.parser import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
