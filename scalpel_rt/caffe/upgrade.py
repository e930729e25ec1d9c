"""Brings old nets to today's form, with what Caffe's own upgrade does and does not do.

V0 (2013): ``layers { layer { type: "conv" } }``, V1 (2014): ``layers { type: CONVOLUTION }``, V2: ``layer { type:
"Convolution" }``. The steps and their order are those of Caffe's UpgradeNetAsNeeded; each acts only on nets that
need it. Where Caffe aborts or reads out of range, these raise FormatError with the layer's name.
"""

from ..errors import FormatError
from .messages import messages

# V1's names of types are today's in capitals, but for these.
_V1_NAMES = {
    "NONE": "", "ABSVAL": "AbsVal", "ARGMAX": "ArgMax", "BNLL": "BNLL", "IM2COL": "Im2col", "LRN": "LRN",
    "MVN": "MVN", "RELU": "ReLU", "TANH": "TanH", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
}
_V1_ENUM = messages("any").V1LayerParameter.LayerType

# V1 number -> today's name
V1_TYPES = {number: _V1_NAMES.get(name, name.title().replace("_", "")) for name, number in _V1_ENUM.items()}

# V0 word -> V1 enum name, where that is not the word in capitals
_V0_ENUMS = {"conv": "CONVOLUTION", "images": "IMAGE_DATA", "innerproduct": "INNER_PRODUCT", "pool": "POOLING"}
_V0_WORDS = (
    "accuracy bnll concat conv data dropout euclidean_loss flatten hdf5_data hdf5_output im2col images infogain_loss "
    "innerproduct lrn multinomial_logistic_loss pool relu sigmoid softmax softmax_loss split tanh window_data"
).split()
_V0_NUMBERS = {word: _V1_ENUM.Value(_V0_ENUMS.get(word, word.upper())) for word in _V0_WORDS}

# V0 word -> today's name
V0_TYPES = {word: V1_TYPES[number] for word, number in _V0_NUMBERS.items()}

# V0 field -> its place in V1, {V0 word: (message, field)}; a field that is set in a layer of another type is
# dropped, as in Caffe.
_V0_FIELDS = {
    "num_output": {"conv": "convolution_param.num_output", "innerproduct": "inner_product_param.num_output"},
    "biasterm": {"conv": "convolution_param.bias_term", "innerproduct": "inner_product_param.bias_term"},
    "weight_filler": {"conv": "convolution_param.weight_filler", "innerproduct": "inner_product_param.weight_filler"},
    "bias_filler": {"conv": "convolution_param.bias_filler", "innerproduct": "inner_product_param.bias_filler"},
    "pad": {"conv": "convolution_param.pad", "pool": "pooling_param.pad"},
    "kernelsize": {"conv": "convolution_param.kernel_size", "pool": "pooling_param.kernel_size"},
    "group": {"conv": "convolution_param.group"},
    "stride": {"conv": "convolution_param.stride", "pool": "pooling_param.stride"},
    "pool": {"pool": "pooling_param.pool"},
    "dropout_ratio": {"dropout": "dropout_param.dropout_ratio"},
    "local_size": {"lrn": "lrn_param.local_size"},
    "alpha": {"lrn": "lrn_param.alpha"},
    "beta": {"lrn": "lrn_param.beta"},
    "k": {"lrn": "lrn_param.k"},
    "source": {"data": "data_param.source", "hdf5_data": "hdf5_data_param.source",
               "images": "image_data_param.source", "window_data": "window_data_param.source",
               "infogain_loss": "infogain_loss_param.source"},
    "batchsize": {"data": "data_param.batch_size", "hdf5_data": "hdf5_data_param.batch_size",
                  "images": "image_data_param.batch_size", "window_data": "window_data_param.batch_size"},
    "rand_skip": {"data": "data_param.rand_skip", "images": "image_data_param.rand_skip"},
    "shuffle_images": {"images": "image_data_param.shuffle"},
    "new_height": {"images": "image_data_param.new_height"},
    "new_width": {"images": "image_data_param.new_width"},
    "concat_dim": {"concat": "concat_param.concat_dim"},
    "det_fg_threshold": {"window_data": "window_data_param.fg_threshold"},
    "det_bg_threshold": {"window_data": "window_data_param.bg_threshold"},
    "det_fg_fraction": {"window_data": "window_data_param.fg_fraction"},
    "det_context_pad": {"window_data": "window_data_param.context_pad"},
    "det_crop_mode": {"window_data": "window_data_param.crop_mode"},
    "hdf5_output_param": {"hdf5_output": "hdf5_output_param"},
}
# These go to transform_param whatever the type.
_V0_TRANSFORMS = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}

# V1 type of a data layer -> its message, which used to hold the fields of transform_param
_V1_DATA = {_V1_ENUM.Value("DATA"): "data_param", _V1_ENUM.Value("IMAGE_DATA"): "image_data_param",
            _V1_ENUM.Value("WINDOW_DATA"): "window_data_param"}
_TRANSFORM_FIELDS = ("scale", "mean_file", "crop_size", "mirror")

# V1's four lists -> the field of today's `param`
_V1_PARAMS = {"param": "name", "blob_share_mode": "share_mode", "blobs_lr": "lr_mult", "weight_decay": "decay_mult"}
_V1_ONLY = ("type", "layer", *_V1_PARAMS)


def format_of(net):
    """The age of a NetParameter: "V0", "V1", or "V2", which a net without layers is too."""
    if any(layer.HasField("layer") for layer in net.layers):
        return "V0"
    return "V1" if net.layers else "V2"


def upgrade_net(net):
    """A copy of a NetParameter of any age in today's form: only ``layer``, inputs as an Input layer.

    As in Caffe, a V0 net keeps only its name, layers, inputs, input_dim and force_backward (input_shape and state
    are lost), parameters that do not suit the type of a V0 layer are dropped, and an ``input`` without any shape
    vanishes. Raises FormatError for a net that mixes ``layer`` with ``layers``, for too few input shapes or
    dimensions, and for a V0 net with an unknown type, an unknown bottom or a misplaced padding layer.
    """
    made = type(net)()
    made.CopyFrom(net)
    if format_of(made) == "V0":
        made = _upgrade_v0(made)
    _upgrade_data(made)
    if made.layers:
        _upgrade_v1(made)
    if made.input:
        _upgrade_input(made)
    _upgrade_batch_norm(made)
    return made


def _upgrade_v0(net):
    """The V1 net of a V0 net."""
    made = type(net)()
    for field in ("name", "force_backward"):
        _copy_field(net, field, made, field)
    made.input.extend(net.input)
    made.input_dim.extend(net.input_dim)
    for layer in _merge_padding(net):
        try:
            _upgrade_v0_layer(layer, made.layers.add())
        except FormatError as error:
            raise error.locate(layer=layer.layer.name) from None
    return made


def _merge_padding(net):
    """The layers of a V0 net but for its padding layers, whose pad goes to the convolution or pooling after them."""
    kept = []
    source = dict.fromkeys(net.input)  # blob -> the padding layer that makes it, None where another does
    for layer in net.layers:
        is_padding = layer.layer.type == "padding"
        merged = type(layer)()
        merged.CopyFrom(layer)
        for i, bottom in enumerate(layer.bottom):
            if bottom not in source:
                raise FormatError(f"its bottom {bottom} is made by no layer before it", layer=layer.layer.name)
            padding = source[bottom]
            if padding is None:
                continue
            if layer.layer.type not in ("conv", "pool"):
                raise FormatError(f"the padding layer {padding.layer.name} leads into a layer of type "
                                  f"{layer.layer.type}; only conv and pool can take its pad", layer=layer.layer.name)
            if (len(layer.bottom), len(padding.bottom), len(padding.top)) != (1, 1, 1):
                raise FormatError(f"the padding layer {padding.layer.name} and what it leads into "
                                  "must have one bottom and one top each", layer=layer.layer.name)
            merged.layer.pad = padding.layer.pad
            merged.bottom[i] = padding.bottom[0]
        if not is_padding:
            kept.append(merged)
        source.update(dict.fromkeys(layer.top, layer if is_padding else None))
    return kept


def _upgrade_v0_layer(old, new):
    new.bottom.extend(old.bottom)
    new.top.extend(old.top)
    if not old.HasField("layer"):
        return
    v0 = old.layer
    _copy_field(v0, "name", new, "name")
    if v0.HasField("type"):
        if v0.type not in _V0_NUMBERS:
            raise FormatError(f"unknown V0 type {v0.type!r}: it is one of {', '.join(_V0_WORDS)}")
        new.type = _V0_NUMBERS[v0.type]
    new.blobs.extend(v0.blobs)
    new.blobs_lr.extend(v0.blobs_lr)
    new.weight_decay.extend(v0.weight_decay)
    for field, places in _V0_FIELDS.items():
        place = places.get(v0.type)
        if place and v0.HasField(field):
            *message, name = place.split(".")
            _copy_field(v0, field, getattr(new, message[0]) if message else new, name)
    for field, name in _V0_TRANSFORMS.items():
        if v0.HasField(field):
            _copy_field(v0, field, new.transform_param, name)


def _upgrade_data(net):
    """V1 data layers: scale, mean_file, crop_size and mirror move to transform_param."""
    for layer in net.layers:
        if layer.type not in _V1_DATA:
            continue
        old = getattr(layer, _V1_DATA[layer.type])
        for field in _TRANSFORM_FIELDS:
            if old.HasField(field):
                _copy_field(old, field, layer.transform_param, field)
                old.ClearField(field)


def _upgrade_v1(net):
    if net.layer:
        raise FormatError("the net has both `layer` and `layers` (the older form): it must use one of them throughout")
    for old in net.layers:
        new = net.layer.add()
        if old.HasField("type"):
            new.type = V1_TYPES[old.type]
        for field, _ in old.ListFields():
            if field.name not in _V1_ONLY:
                _copy_field(old, field.name, new, field.name)
        for field, name in _V1_PARAMS.items():
            for i, value in enumerate(getattr(old, field)):
                if i == len(new.param):
                    new.param.add()
                setattr(new.param[i], name, value)
    net.ClearField("layers")


def _upgrade_input(net):
    """`input` and its shapes become an Input layer in front."""
    if net.input_shape or net.input_dim:
        layer = net.layer.add()
        layer.name, layer.type = "input", "Input"
        for i, name in enumerate(net.input):
            layer.top.append(name)
            shape = layer.input_param.shape.add()
            if net.input_shape:
                if i == len(net.input_shape):
                    raise FormatError(f"input {name} has no shape: {len(net.input)} input, {i} input_shape")
                shape.CopyFrom(net.input_shape[i])
            else:
                dims = net.input_dim[4 * i:4 * i + 4]
                if len(dims) < 4:
                    raise FormatError(f"input {name} lacks dimensions: {len(net.input)} input need "
                                      f"{4 * len(net.input)} input_dim, there are {len(net.input_dim)}")
                shape.dim.extend(dims)
        net.layer.insert(0, net.layer.pop())
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)


def _upgrade_batch_norm(net):
    """The statistics of BatchNorm are not learned: where a net lists all three blobs, their rates become 0."""
    for layer in net.layer:
        if layer.type == "BatchNorm" and len(layer.param) == 3:
            for spec in layer.param:
                spec.lr_mult = spec.decay_mult = 0


def _copy_field(old, field, new, name):
    """Copy one field, if it is set, to a field of perhaps another name; a single number into a list is added."""
    value = getattr(old, field)
    target = getattr(new, name)
    if hasattr(target, "extend"):
        target.extend(value if hasattr(value, "extend") else [value])
    elif not old.HasField(field):
        return
    elif hasattr(target, "CopyFrom"):
        target.CopyFrom(value)
    else:
        setattr(new, name, value)
