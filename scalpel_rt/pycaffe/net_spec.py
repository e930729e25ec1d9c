"""caffe.NetSpec: nets written as Python expressions.

::

    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 32, 32]))
    n.conv1 = L.Convolution(n.data, num_output=16, kernel_size=3, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    print(n.to_proto())
"""

from collections import Counter, OrderedDict

from ..errors import GraphError
from .proto import caffe_pb2


def param_name_dict():
    """{layer type: name of its parameters without ``_param``}, as {"InnerProduct": "inner_product"}."""
    fields = caffe_pb2.LayerParameter.DESCRIPTOR.fields
    return {field.message_type.name.removesuffix("Parameter"): field.name.removesuffix("_param")
            for field in fields if field.name.endswith("_param")}


class Top:
    """One output of a layer, to be the input of others."""

    def __init__(self, fn, n):
        self.fn, self.n = fn, n

    def to_proto(self):
        """The NetParameter that ends here."""
        return to_proto(self)


class Function:
    """A layer: its type, the Tops that it reads, its parameters and its Tops.

    ``ntop`` (how many tops, 1) and ``in_place`` (the tops are the bottoms, False) are taken out of the parameters.
    """

    def __init__(self, type_name, inputs, params):
        self.type_name, self.inputs, self.params = type_name, inputs, dict(params)
        for i, bottom in enumerate(inputs):
            if not isinstance(bottom, Top):
                raise TypeError(f"input {i} of {type_name} is of type {type(bottom).__name__}, not a Top; parameters "
                                "are given by name")
        self.ntop = self.params.pop("ntop", 1)
        self.in_place = self.params.pop("in_place", False)
        if self.in_place and len(inputs) < self.ntop:
            raise GraphError(f"{type_name} in place needs a bottom for each of {self.ntop} tops, it has {len(inputs)}")
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def collect(self, layers, names, numbers):
        """Append this layer, after all that it needs, to ``layers``, {Function: LayerParameter}."""
        waiting = [self]
        while waiting:      # not recursive: nets are deeper than Python's stack
            function = waiting[-1]
            if function in layers:
                waiting.pop()
                continue
            missing = [top.fn for top in function.inputs if top.fn not in layers]
            if missing:
                if missing[0] in waiting:
                    raise GraphError(f"a {function.type_name} layer is an input of itself")
                waiting.append(missing[0])
                continue
            layers[function] = function._message(names, numbers)
            waiting.pop()

    def _message(self, names, numbers):
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        layer.bottom.extend(top.fn.blob_name(top, names, numbers) for top in self.inputs)
        if self.in_place:
            layer.top.extend(layer.bottom[:self.ntop])
        else:
            layer.top.extend(self.blob_name(top, names, numbers) for top in self.tops)
        layer.name = _name(self.tops[0] if self.tops else self, self.type_name, names, numbers)
        own = _PARAM_NAMES.get(self.type_name)
        for key, value in self.params.items():
            message = layer
            if own and not key.endswith("param"):
                field = layer.DESCRIPTOR.fields_by_name[own + "_param"]
                if key in field.message_type.fields_by_name:
                    message = getattr(layer, field.name)
            assign(message, key, value)
        return layer

    def blob_name(self, top, names, numbers):
        """What the blob of one of the tops is called: in place, that is the blob of the bottom."""
        if self.in_place:
            bottom = self.inputs[top.n]
            return bottom.fn.blob_name(bottom, names, numbers)
        return _name(top, self.type_name, names, numbers)


def _name(thing, type_name, names, numbers):
    """The name that a NetSpec gave to a Top (or a layer without any), or one of the type and a number."""
    if thing not in names:
        numbers[type_name] += 1
        names[thing] = f"{type_name}{numbers[type_name]}"
    return names[thing]


class NetSpec:
    """A net in the making: attributes (or items) are Tops, and give them their names."""

    def __init__(self):
        super().__setattr__("tops", OrderedDict())

    def __setattr__(self, name, value):
        self.tops[name] = value

    def __getattr__(self, name):
        try:
            return self.tops[name]
        except KeyError:
            raise AttributeError(f"the NetSpec has no top {name!r}") from None

    def __delattr__(self, name):
        try:
            del self.tops[name]
        except KeyError:
            raise AttributeError(f"the NetSpec has no top {name!r}") from None

    def __setitem__(self, key, value):
        self.tops[key] = value

    def __getitem__(self, item):
        return self.tops[item]

    def __delitem__(self, item):
        del self.tops[item]

    def to_proto(self):
        """The NetParameter of all tops and what they need."""
        names = {top: name for name, top in self.tops.items()}
        return _net(names, self.tops.values())


def to_proto(*tops):
    """The NetParameter of the given tops and all that they need; names are made up."""
    return _net({}, tops)


def assign(message, name, value):
    """Set a field from a Python value: lists and tuples are repeated, dicts are messages. What is there is kept, so
    lists and dicts are added to it."""
    field = message.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        raise AttributeError(f"{message.DESCRIPTOR.name} has no field {name!r}")
    target = getattr(message, name)
    repeated = hasattr(target, "extend")
    values = value if isinstance(value, list | tuple) else [value]
    if not repeated and isinstance(value, list | tuple):
        raise TypeError(f"{name} of {message.DESCRIPTOR.name} is given once, not as a list: {value!r}")
    for item in values:
        if field.message_type is None:
            if repeated:
                target.append(item)
            else:
                setattr(message, name, item)
        elif isinstance(item, dict):
            made = target.add() if repeated else target
            made.SetInParent()
            for key, inner in item.items():
                assign(made, key, inner)
        elif repeated:
            target.add().CopyFrom(item)
        else:
            target.CopyFrom(item)


class Layers:
    """``L``: ``L.Convolution(bottom, num_output=16, kernel_size=3)`` makes a layer of any type and gives its Top, a
    tuple of them with ``ntop`` above 1, the Function itself with ``ntop=0``."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def layer(*inputs, **params):
            function = Function(name, inputs, params)
            return function if function.ntop == 0 else function.tops[0] if function.ntop == 1 else function.tops
        return layer


class Parameters:
    """``P``: the enums of parameters, as ``P.Pooling.MAX``."""

    def __getattr__(self, name):
        try:
            return getattr(caffe_pb2, name + "Parameter")
        except AttributeError:
            raise AttributeError(f"there is no {name}Parameter") from None


def _net(names, tops):
    layers, numbers = OrderedDict(), Counter()
    for top in tops:
        if isinstance(top, Function):
            top.collect(layers, names, numbers)
        elif isinstance(top, Top):
            top.fn.collect(layers, names, numbers)
        else:
            raise TypeError(f"a net is made of Tops, not of {type(top).__name__}")
    net = caffe_pb2.NetParameter()
    net.layer.extend(layers.values())
    return net


_PARAM_NAMES = param_name_dict()
layers = Layers()
params = Parameters()
