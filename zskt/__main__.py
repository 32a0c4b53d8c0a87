"""The command line: ``zskt --mode MODE``, the same as ``python -m zskt`` and ``python train.py``."""

import sys

from zskt.cli.parser import main as _main


def main() -> int:
    """Run the command line and return its exit code."""
    return _main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
