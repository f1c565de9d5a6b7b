"""`python -m bench`: every figure that we claim, measured here and now."""

import sys

from bench.run import main

sys.exit(main())
