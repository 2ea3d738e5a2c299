"""`python -m kessai.embedded DIRECTORY...` removes what the servers of these directories keep; refused while they are used."""

import sys
from pathlib import Path

from kessai.embedded.engines import remove
from kessai.embedded.trouble import EngineError


def main() -> int:
    """Remove each; exit status 2 and one line for the first that is in use."""
    for directory in sys.argv[1:]:
        try:
            remove(Path(directory))
        except EngineError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
