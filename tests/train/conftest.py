"""Training in tests uses one thread: nets so small only wait for each other's."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    try:
        import torch
    except ImportError:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
