import csv

import pytest

from scalpel_rt.caffe import format_of, messages, parse_prototxt, read_prototxt, upgrade_net
from scalpel_rt.errors import FormatError


def upgraded(text):
    return upgrade_net(parse_prototxt(text))


def assert_becomes(old, new):
    assert upgraded(old) == parse_prototxt(new)


def test_format_of():
    assert format_of(parse_prototxt("")) == "V2"
    assert format_of(parse_prototxt("layer {}")) == "V2"
    assert format_of(parse_prototxt("layers {}")) == "V1"
    assert format_of(parse_prototxt("layers {} layers { layer {} }")) == "V0"


def test_the_net_given_is_left_alone():
    net = parse_prototxt("input: 'x' input_dim: [1, 2, 3, 4] layers { type: RELU }")
    before = net.SerializeToString()
    upgrade_net(net)
    assert net.SerializeToString() == before


def test_todays_nets_stay_as_they_are(shared):
    with open(shared / "prototxts" / "manifest.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        net = read_prototxt(shared / "prototxts" / row["file"])
        assert format_of(net) == row["format"][:2], row["file"]
        if net.layer and net.layers:
            with pytest.raises(FormatError):
                upgrade_net(net)
            continue
        made = upgrade_net(net)
        assert not made.layers and not made.input and not made.input_dim and not made.input_shape
        padding = sum(layer.layer.type == "padding" for layer in net.layers)
        has_input = bool(net.input and (net.input_dim or net.input_shape))
        assert len(made.layer) == len(net.layer) + len(net.layers) - padding + has_input, row["file"]
        assert all(layer.type for layer in made.layer)
        if format_of(net) == "V2" and not net.input and "BatchNorm" not in row["layer_types"]:
            assert made == net


# ---- V1 ----------------------------------------------------------------------------------------------------------


def test_v1_types():
    types = messages("bvlc").V1LayerParameter.LayerType
    expected = """
        NONE= ABSVAL=AbsVal ACCURACY=Accuracy ARGMAX=ArgMax BNLL=BNLL CONCAT=Concat CONTRASTIVE_LOSS=ContrastiveLoss
        CONVOLUTION=Convolution DATA=Data DECONVOLUTION=Deconvolution DROPOUT=Dropout DUMMY_DATA=DummyData
        EUCLIDEAN_LOSS=EuclideanLoss ELTWISE=Eltwise EXP=Exp FLATTEN=Flatten HDF5_DATA=HDF5Data
        HDF5_OUTPUT=HDF5Output HINGE_LOSS=HingeLoss IM2COL=Im2col IMAGE_DATA=ImageData INFOGAIN_LOSS=InfogainLoss
        INNER_PRODUCT=InnerProduct LRN=LRN MEMORY_DATA=MemoryData MULTINOMIAL_LOGISTIC_LOSS=MultinomialLogisticLoss
        MVN=MVN POOLING=Pooling POWER=Power RELU=ReLU SIGMOID=Sigmoid
        SIGMOID_CROSS_ENTROPY_LOSS=SigmoidCrossEntropyLoss SILENCE=Silence SOFTMAX=Softmax
        SOFTMAX_LOSS=SoftmaxWithLoss SPLIT=Split SLICE=Slice TANH=TanH WINDOW_DATA=WindowData THRESHOLD=Threshold
    """.split()
    assert len(expected) == len(types.keys()) == 40
    for pair in expected:
        old, new = pair.split("=")
        assert upgraded(f"layers {{ type: {old} }}").layer[0].type == new


def test_v1_fields():
    assert_becomes("""
        name: "n" force_backward: true
        layers {
          name: "f" type: INNER_PRODUCT bottom: "a" bottom: "b" top: "c"
          param: "w" param: "" blob_share_mode: PERMISSIVE blobs_lr: 1 blobs_lr: 2 blobs_lr: 3 weight_decay: 0.5
          inner_product_param { num_output: 4 weight_filler { type: "xavier" } }
          include { phase: TEST } exclude { stage: "s" } loss_weight: 2 loss_param { ignore_label: 3 }
          transform_param { scale: 2 } blobs { num: 2 data: [1, 2] }
        }""", """
        name: "n" force_backward: true
        layer {
          name: "f" type: "InnerProduct" bottom: "a" bottom: "b" top: "c"
          param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 0.5 } param { name: "" lr_mult: 2 }
          param { lr_mult: 3 }
          inner_product_param { num_output: 4 weight_filler { type: "xavier" } }
          include { phase: TEST } exclude { stage: "s" } loss_weight: 2 loss_param { ignore_label: 3 }
          transform_param { scale: 2 } blobs { num: 2 data: [1, 2] }
        }""")


@pytest.mark.parametrize("dialect", ["bvlc", "any"])
def test_v1_every_parameter_has_its_place_today(dialect):
    v1 = messages(dialect).V1LayerParameter.DESCRIPTOR
    v2 = messages(dialect).LayerParameter.DESCRIPTOR
    for field in v1.fields:
        if field.name.endswith("_param"):
            assert v2.fields_by_name[field.name].message_type is field.message_type


def test_v1_without_a_type():
    assert not upgraded("layers { name: 'x' }").layer[0].HasField("type")


@pytest.mark.parametrize(("type", "message"), [
    ("DATA", "data_param"), ("IMAGE_DATA", "image_data_param"), ("WINDOW_DATA", "window_data_param"),
])
def test_v1_data_layers(type, message):
    assert_becomes(
        f"layers {{ type: {type} {message} {{ source: 's' scale: 2 mean_file: 'm' crop_size: 3 mirror: true }} }}",
        f"layer {{ type: '{type.title().replace('_', '')}' {message} {{ source: 's' }}"
        "transform_param { scale: 2 mean_file: 'm' crop_size: 3 mirror: true } }")


def test_v1_and_v2_in_one_net():
    with pytest.raises(FormatError, match="`layer` and `layers`"):
        upgraded("layer { name: 'a' } layers { name: 'b' }")


# ---- V0 ----------------------------------------------------------------------------------------------------------


def test_v0_fields():
    assert_becomes("""
        name: "n" input: "x" input_dim: [1, 2, 8, 8] input_shape { dim: 5 } state { level: 3 } debug_info: true
        layers { bottom: "x" top: "p" layer { name: "p" type: "padding" pad: 2 } }
        layers { bottom: "p" top: "c" layer {
          name: "c" type: "conv" num_output: 4 kernelsize: 3 stride: 2 group: 2 biasterm: false
          weight_filler { std: 2 } bias_filler { value: 1 } blobs_lr: 1 blobs_lr: 2 weight_decay: 3
          blobs { data: 1 } } }
        layers { bottom: "c" top: "l" layer { name: "l" type: "lrn" local_size: 3 alpha: 2 beta: 1 k: 4 } }
        layers { bottom: "l" top: "q" layer { name: "q" type: "pool" pool: AVE kernelsize: 2 pad: 1 stride: 1 } }
        layers { bottom: "q" top: "q" layer { name: "d" type: "dropout" dropout_ratio: 0.25 } }
        layers { bottom: "q" bottom: "l" top: "k" layer { name: "k" type: "concat" concat_dim: 0 } }
        layers { bottom: "k" top: "f" layer { name: "f" type: "innerproduct" num_output: 5 biasterm: true } }
        layers { bottom: "f" top: "o" layer { name: "o" type: "hdf5_output" hdf5_output_param { file_name: "h" } } }
        """, """
        name: "n"
        layer { name: "input" type: "Input" top: "x" input_param { shape { dim: [1, 2, 8, 8] } } }
        layer { bottom: "x" top: "c" name: "c" type: "Convolution" blobs { data: 1 }
          param { lr_mult: 1 decay_mult: 3 } param { lr_mult: 2 }
          convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 2 group: 2 bias_term: false
                              weight_filler { std: 2 } bias_filler { value: 1 } } }
        layer { bottom: "c" top: "l" name: "l" type: "LRN" lrn_param { local_size: 3 alpha: 2 beta: 1 k: 4 } }
        layer { bottom: "l" top: "q" name: "q" type: "Pooling"
                pooling_param { pool: AVE kernel_size: 2 pad: 1 stride: 1 } }
        layer { bottom: "q" top: "q" name: "d" type: "Dropout" dropout_param { dropout_ratio: 0.25 } }
        layer { bottom: "q" bottom: "l" top: "k" name: "k" type: "Concat" concat_param { concat_dim: 0 } }
        layer { bottom: "k" top: "f" name: "f" type: "InnerProduct"
                inner_product_param { num_output: 5 bias_term: true } }
        layer { bottom: "f" top: "o" name: "o" type: "HDF5Output" hdf5_output_param { file_name: "h" } }
        """)


def test_v0_data_layers():
    assert_becomes("""
        layers { top: "a" layer { type: "data" source: "s" batchsize: 2 rand_skip: 3 scale: 4 meanfile: "m"
                                  cropsize: 5 mirror: true } }
        layers { top: "b" layer { type: "images" source: "s" batchsize: 2 rand_skip: 3 shuffle_images: true
                                  new_height: 6 new_width: 7 } }
        layers { top: "c" layer { type: "window_data" source: "s" batchsize: 2 det_fg_threshold: 0.25 det_crop_mode: "x"
                                  det_bg_threshold: 0.75 det_fg_fraction: 0.125 det_context_pad: 9 } }
        layers { top: "d" layer { type: "hdf5_data" source: "s" batchsize: 2 } }
        layers { bottom: "d" layer { type: "infogain_loss" source: "s" } }
        """, """
        layer { top: "a" type: "Data" data_param { source: "s" batch_size: 2 rand_skip: 3 }
                transform_param { scale: 4 mean_file: "m" crop_size: 5 mirror: true } }
        layer { top: "b" type: "ImageData" image_data_param { source: "s" batch_size: 2 rand_skip: 3 shuffle: true
                                                              new_height: 6 new_width: 7 } }
        layer { top: "c" type: "WindowData" window_data_param { source: "s" batch_size: 2 fg_threshold: 0.25
                bg_threshold: 0.75 fg_fraction: 0.125 context_pad: 9 crop_mode: "x" } }
        layer { top: "d" type: "HDF5Data" hdf5_data_param { source: "s" batch_size: 2 } }
        layer { bottom: "d" type: "InfogainLoss" infogain_loss_param { source: "s" } }
        """)


def test_v0_fields_of_other_types_are_dropped():
    assert_becomes("layers { layer { type: 'relu' num_output: 3 pad: 1 new_num: 2 } }", "layer { type: 'ReLU' }")


@pytest.mark.parametrize(("layers", "layer", "message"), [
    ("layers { bottom: 'x' layer { name: 'c' type: 'convolution' } }", "c", "unknown V0 type 'convolution'"),
    ("layers { bottom: 'y' layer { name: 'c' type: 'conv' } }", "c", "its bottom y is made by no layer"),
    ("layers { bottom: 'x' top: 'p' layer { name: 'p' type: 'padding' pad: 1 } }"
     "layers { bottom: 'p' top: 'r' layer { name: 'r' type: 'relu' } }", "r", "only conv and pool can take its pad"),
    ("layers { bottom: 'x' top: 'p' layer { name: 'p' type: 'padding' pad: 1 } }"
     "layers { bottom: 'p' bottom: 'x' top: 'c' layer { name: 'c' type: 'conv' } }", "c", "one bottom and one top"),
    ("layers { top: 'p' layer { name: 'p' type: 'padding' pad: 1 } }"
     "layers { bottom: 'p' top: 'c' layer { name: 'c' type: 'conv' } }", "c", "one bottom and one top"),
])
def test_v0_errors(layers, layer, message):
    with pytest.raises(FormatError, match=message) as caught:
        upgraded("input: 'x' input_dim: [1, 1, 4, 4]" + layers)
    assert caught.value.layer == layer


# ---- inputs and BatchNorm ----------------------------------------------------------------------------------------


def test_inputs():
    assert_becomes("input: 'a' input: 'b' input_dim: [1, 2, 3, 4, 5, 6, 7, 8, 9] layer { name: 'x' }",
                   "layer { name: 'input' type: 'Input' top: 'a' top: 'b' input_param { shape { dim: [1, 2, 3, 4] } "
                   "shape { dim: [5, 6, 7, 8] } } } layer { name: 'x' }")
    assert_becomes("input: 'a' input_dim: 9 input_shape { dim: 2 } input_shape { dim: 3 }",
                   "layer { name: 'input' type: 'Input' top: 'a' input_param { shape { dim: 2 } } }")
    assert_becomes("input: 'a' layer { name: 'x' }", "layer { name: 'x' }")
    assert_becomes("input_dim: 3 layer { name: 'x' }", "input_dim: 3 layer { name: 'x' }")


@pytest.mark.parametrize(("text", "message"), [
    ("input: 'a' input: 'b' input_dim: [1, 2, 3, 4]", "input b lacks dimensions"),
    ("input: 'a' input_dim: [1, 2, 3]", "input a lacks dimensions: 1 input need 4 input_dim, there are 3"),
    ("input: 'a' input: 'b' input_shape { dim: 1 }", "input b has no shape"),
])
def test_too_few_dimensions(text, message):
    with pytest.raises(FormatError, match=message):
        upgraded(text)


def test_batch_norm_rates():
    assert_becomes("layer { type: 'BatchNorm' param {} param { lr_mult: 2 name: 'v' } param {} }",
                   "layer { type: 'BatchNorm' param { lr_mult: 0 decay_mult: 0 } "
                   "param { name: 'v' lr_mult: 0 decay_mult: 0 } param { lr_mult: 0 decay_mult: 0 } }")
    two = "layer { type: 'BatchNorm' param {} param {} } layer { type: 'Scale' param {} param {} param {} }"
    assert_becomes(two, two)
