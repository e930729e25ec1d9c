"""Runs some layers of a net in a row, from blobs to blobs."""

from dataclasses import replace

from ..graph import Blob, Graph, Node
from ..graph.wiring import make_layer
from ..net.plans import Plans, repeatable
from ..plan.build import compile_graph


def cut(graph, first, last):
    """Layers number ``first`` to ``last`` of a graph as a graph; what they read of earlier layers are its inputs."""
    blobs, latest, fed, nodes = {}, {}, [], []

    def named(blob):
        latest[blob.name] = latest.get(blob.name, -1) + 1
        blobs[blob] = Blob(blob.name, blob.shape, latest[blob.name])
        return blobs[blob]

    for node in graph.nodes[first:last + 1]:
        for blob in node.bottoms:
            if blob not in blobs:
                message = type(node.layer.message)(name=blob.name, type="Input", top=[blob.name])
                fed.append(Node(make_layer(message, graph.phase), (), (named(blob),)))
        bottoms = tuple(blobs[blob] for blob in node.bottoms)
        nodes.append(replace(node, bottoms=bottoms, tops=tuple(map(named, node.tops))))
    nodes = (*fed, *nodes)
    return Graph(graph.name, nodes, tuple(blob for node in nodes if node.layer.is_input for blob in node.tops),
                 tuple(blobs[blob] for blob in graph.outputs if blob in blobs), graph.phase, graph.message)


class Part:
    """A graph (a whole net, or some of its layers) that reads and writes the memory of blobs.

    Parameters
    ----------
    plans : Plans
        Of the graph. Its shapes follow the blobs.
    """

    def __init__(self, plans):
        self.plans = plans
        self.latest = None      # the Run whose values the plan still holds
        graph = plans.graph
        final = graph.final_blobs()
        inputs = {blob.name for blob in graph.inputs}
        self.makes = [name for name, blob in final.items() if blob not in graph.inputs]
        # What cannot be fetched later: results whose shape hangs on the data, inputs that a layer overwrites.
        self._now = {blob.name for blob in graph.outputs} | _behind_dynamic(graph) | (inputs & {*self.makes})
        self._now &= {*self.makes}
        # Nor can anything where a second run would not be the same as the first, or be noticed by the user's code.
        self._once = not repeatable(graph)

    @classmethod
    def of(cls, whole, first, last):
        """Layers ``first`` to ``last`` of the graph of ``whole``, a Plans."""
        return cls(Plans(cut(whole.graph, first, last), whole.options, None, whole.limits, 0, whole.state))

    def fit(self, blobs):
        """Take the shapes that the inputs have among ``blobs``."""
        inputs = [(blob, blobs[blob.name]) for blob in self.plans.graph.inputs]
        shapes = {blob.name: mine.shape for blob, mine in inputs if mine.known and mine.shape != blob.shape}
        if shapes:
            self.plans.reshape(shapes)
            for blob in self.plans.graph.inputs:    # labels follow their images to another batch size
                if blob.shape not in (None, blobs[blob.name].shape):
                    blobs[blob.name].reshape(*blob.shape)

    def run(self, blobs, wanted, all_at_once=False):
        """Run on ``blobs``, {name: NetBlob}.

        The blobs named in ``wanted`` and those that somebody holds an array of have their values at once, or all; the
        others when they are asked.
        """
        plans = self.plans
        self.fit(blobs)
        if all_at_once or self._once:
            now = dict.fromkeys(self.makes)
        else:
            now = {name: None for name in self.makes if name in self._now or name in wanted or blobs[name].held}
        plans.keep(now)
        plan, graph = plans.plan(), plans.graph
        later = [name for name in self.makes if name not in now]
        feeds = [blobs[blob.name].array for blob in graph.inputs]
        if later:
            feeds = [feed.copy() for feed in feeds]
        self.latest = None
        given = dict(zip((blob.name for blob in graph.outputs), plan.run_all(*feeds), strict=True))
        self.latest = run = Run(self, plan, feeds)
        for name in now:
            blobs[name].hold(given[name] if name in given else plan.value(name))
        final = graph.final_blobs()
        for name in later:
            blobs[name].leave(run, final[name].shape)


class Run:
    """One forward of a Part, which knows the values that nobody asked for at the time."""

    def __init__(self, part, plan, feeds):
        self._part, self._plan, self._feeds = part, plan, feeds
        self._graph = part.plans.graph
        self._whole = None      # a plan that kept everything

    def value(self, name):
        """The values of a blob, as this run left them."""
        part = self._part
        if self._whole is None:
            if part.latest is self:
                try:
                    return self._plan.value(name)
                except KeyError:
                    pass
            self._whole = compile_graph(self._graph, part.plans.options, self._graph.final_blobs().values(), {})
            self._whole.run_all(*self._feeds)
        part.plans.keep([name])     # asked once, asked again
        return self._whole.value(name)


def _behind_dynamic(graph):
    """Names of all that a dynamic layer makes, or that hangs on such."""
    found = set()
    for node in graph.nodes:
        if node.layer.dynamic or any(blob in found for blob in node.bottoms):
            found.update(node.tops)
    return {blob.name for blob in found}
