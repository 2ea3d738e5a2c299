"""`python -m kessai` is the command `kessai`."""

import sys

from kessai.cli import main

if __name__ == "__main__":
    sys.exit(main())
