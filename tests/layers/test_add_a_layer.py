"""The example of docs/add-a-layer.md works as it stands, in a net of its own."""

import re
from pathlib import Path

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.layers import types, unregister

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-layer.md"


@pytest.fixture
def example():
    """Runs the guide's blocks of Python in order; takes the layer out again."""
    assert "PACT" not in types()
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), {"__name__": "example"})
    yield
    unregister("PACT")


def test_the_example_runs_in_a_net(example, tmp_path):
    net = tmp_path / "net.prototxt"
    net.write_text('layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 3 } } }\n'
                   'layer { name: "clip" type: "PACT" bottom: "x" top: "x" }')
    made = srt.load(net)
    np.testing.assert_array_equal(made.forward(x=np.array([-1.0, 5, 9], np.float32))["x"], [0, 5, 6])
    made.params["clip"][0].data[...] = 2
    np.testing.assert_array_equal(made.forward(x=np.array([-1.0, 5, 9], np.float32))["x"], [0, 2, 2])
