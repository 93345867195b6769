"""`python -m supportpulse` is `supportpulse`."""

import sys

from supportpulse.cli import main

if __name__ == "__main__":
    sys.exit(main())
