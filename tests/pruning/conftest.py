"""As for training."""

from ..train.conftest import one_thread  # noqa: F401
