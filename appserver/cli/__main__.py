"""`python -m appserver.cli`: the same as `moorage`."""

import sys

from appserver.cli.main import main

sys.exit(main())
