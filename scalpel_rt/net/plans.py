"""Graphs and plans of one net, kept per input shapes."""

from collections import OrderedDict

from ..graph import reshape
from ..options import Options
from ..plan.build import compile_graph

KEPT = 8    # plans of so many different shapes; beyond, the one used longest ago goes


USER_CODE = ("Python", "HDF5Output")    # layer types that, where they are trusted, do more than give values


def repeatable(graph):
    """Whether a second run on the same inputs gives the same, and does nothing else."""
    return not any(node.layer.stateful or node.layer.trusted and node.type in USER_CODE for node in graph.nodes)


class Plans:
    """What a net needs to run at the shapes that it has now.

    ``graph`` is the graph at the present shapes; :meth:`plan` its plan, made when first needed.
    """

    def __init__(self, graph, options, weights, limits, seed, state=None):
        self.graph = graph
        self._options = options or Options()
        self.weights = None if graph.ready else weights     # for the parameters that are still to come
        self.limits = limits
        self.seed = seed
        self._kept = OrderedDict()      # input shapes -> (graph, plan)
        self._keep = set()              # names of blobs that plans do not throw away
        self.state = {} if state is None else state     # what stateful layers remember, whatever the plan

    @property
    def options(self):
        return self._options

    @options.setter
    def options(self, options):
        self._options = options
        self.drop()

    @property
    def made(self):
        """Whether there is any plan, which changed weights would make wrong."""
        return bool(self._kept)

    def drop(self):
        """Forget all plans: weights or options are others."""
        self._kept.clear()

    def reshape(self, shapes):
        """Go to other input shapes, {name: shape}; ShapeError, with nothing changed, where they do not fit."""
        shapes = {name: tuple(shape) for name, shape in shapes.items()}
        key = tuple(shapes.get(blob.name, blob.shape) for blob in self.graph.inputs)
        if key in self._kept and all(blob.name in shapes or blob.shape for blob in self.graph.inputs):
            self.graph = self._kept[key][0]
            return
        self.graph = reshape(self.graph, shapes, weights=self.weights, limits=self.limits, seed=self.seed)
        if self.graph.ready:
            self.weights = None

    def keep(self, names):
        """From now on, plans keep the blobs of these names."""
        if not self._keep.issuperset(names):
            self._keep.update(names)
            self.drop()

    def plan(self):
        """The plan for the present shapes."""
        key = tuple(blob.shape for blob in self.graph.inputs)
        if key not in self._kept:
            self._kept[key] = self.graph, self.compile(self.options, self._keep)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key][1]

    def compile(self, options, keep=()):
        """A new plan for the present shapes; ``keep`` is "all" or names of blobs."""
        final = self.graph.final_blobs()
        if keep == "all" or not repeatable(self.graph):
            keep = final    # such a net cannot be run again to see one more blob
        return compile_graph(self.graph, options, [final[name] for name in keep], self.state)
