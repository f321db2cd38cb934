"""`python -m restrip` is the command `restrip`."""

import sys

from restrip.cli import main

sys.exit(main())
