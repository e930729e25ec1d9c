"""Embed: a row of a table for each index."""

import numpy as np

from ..errors import GraphError
from ._base import Layer, as_f32
from ._index import to_index
from ._registry import register


@register
class Embed(Layer):
    """Indices of any shape S -> S + (num_output,). Blobs: weight (input_dim, num_output) [, bias (num_output)].

    Indices are truncated towards 0. Caffe reads other memory for an index out of range; here that is a DataError.
    """

    type = "Embed"

    def parse(self, message):
        p = message.embed_param
        self.num_output, self.input_dim, self.bias_term = p.num_output, p.input_dim, p.bias_term
        if self.num_output < 1 or self.input_dim < 1:
            raise GraphError(f"embed_param needs num_output and input_dim above 0, not {self.num_output} and "
                             f"{self.input_dim}")

    def shapes(self, bottoms):
        return [(*bottoms[0], self.num_output)]

    def param_shapes(self, bottoms):
        return [(self.input_dim, self.num_output), (self.num_output,)][:1 + self.bias_term]

    def fillers(self):
        p = self.message.embed_param
        return [p.weight_filler, p.bias_filler][:1 + self.bias_term]

    def forward(self, bottoms, params):
        index = to_index(bottoms[0], self.input_dim, "index", "rows in the table")
        rows = params[0].astype(np.float64)[index]
        return [as_f32(rows + params[1] if self.bias_term else rows)]
