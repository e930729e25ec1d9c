"""Blobs without elements, and numbers that are far too large: no crash, no memory, no long loop."""

import numpy as np
import pytest

from .harness import make, run

EMPTY = {
    'type: "Permute" permute_param { order: 1 }': [(2, 0, 3)],
    'type: "Normalize" norm_param { across_spatial: false channel_shared: false }': [(2, 3, 0, 4)],
    'type: "Interp" interp_param { height: 5 width: 6 }': [(0, 2, 3, 4)],
    'type: "Upsample"': [(0, 2, 3, 4)],
    'type: "ShuffleChannel" shuffle_channel_param { group: 2 }': [(3, 4, 0)],
    'type: "Reverse"': [(0, 3)],
    'type: "Reorg" reorg_param { stride: 2 }': [(0, 4, 2, 2)],
    'type: "Axpy"': [(0, 3), (0, 3, 2, 2), (0, 3, 2, 2)],
    'type: "BN" bn_param { frozen: true }': [(0, 3, 2, 2)],
    'type: "ROIPooling" roi_pooling_param { pooled_h: 2 pooled_w: 2 }': [(1, 3, 4, 4), (0, 5)],
    'type: "LSTM" recurrent_param { num_output: 2 }': [(0, 3, 4), (0, 3)],
    'type: "RNN" recurrent_param { num_output: 2 }': [(2, 0, 4), (2, 0)],
    'type: "Lstm" lstm_param { num_output: 2 }': [(0, 4)],
    'type: "BatchReindex"': [(3, 2), (0,)],
    'type: "Embed" embed_param { input_dim: 3 num_output: 2 }': [(0, 4)],
    'type: "Tile" tile_param { tiles: 2000000000 }': [(2, 0)],
    'type: "Scale"': [(), ()],
    'type: "SoftmaxWithLoss"': [(0, 0, 2), (0, 2)],
    'type: "Reduction" reduction_param { axis: 1 }': [(2, 0)],
}


@pytest.mark.parametrize("text", EMPTY)
def test_empty_blobs(text):
    shapes = EMPTY[text]
    layer = make(text + "".join(f' bottom: "b{i}"' for i in range(len(shapes))) + ' top: "y"')
    params = [np.ones(shape) for shape in layer.param_shapes(shapes)]
    top, = run(layer, *(np.zeros(shape) for shape in shapes), params=params)
    assert top.size == int(np.prod(layer.shapes(shapes)[0]))


def test_a_huge_window_with_a_huge_stride():
    layer = 'type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2147483647 stride: 2147483647 }'
    x = np.arange(4.0).reshape(1, 1, 2, 2)
    np.testing.assert_array_equal(run(layer, x)[0], [[[[3]]]])
