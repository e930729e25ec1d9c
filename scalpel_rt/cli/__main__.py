"""``python -m scalpel_rt.cli`` does what ``scalpel-rt`` does."""

import sys

from . import main

sys.exit(main())
