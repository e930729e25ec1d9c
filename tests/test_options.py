import pytest

from scalpel_rt.errors import OptionsError
from scalpel_rt.options import Options


def test_defaults_are_valid():
    options = Options()
    assert (options.threads, options.isa, options.weights) == (None, None, "auto")


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"threads": 257}, {"threads": 1.5}, {"threads": True},
                                   {"isa": "avx"}, {"isa": 3}, {"weights": "sparse"}, {"weights": None},
                                   {"numerics": "loose"}, {"tune": 1}])
def test_what_is_out_of_range_is_named(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(OptionsError, match=name) as caught:
        Options(**wrong)
    assert repr(value) in str(caught.value)


def test_options_do_not_change():
    with pytest.raises(AttributeError):
        Options().threads = 2
