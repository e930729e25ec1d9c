import pytest

from scalpel_rt.caffe import messages
from scalpel_rt.errors import OptionsError

ANY, BVLC = messages("any"), messages("bvlc")


@pytest.mark.parametrize("dialect", ["bvlc", "any"])
def test_numbers_that_files_depend_on(dialect):
    made = messages(dialect)
    numbers = {
        "NetParameter": {"name": 1, "layers": 2, "input": 3, "input_dim": 4, "input_shape": 8, "layer": 100},
        "LayerParameter": {"name": 1, "type": 2, "blobs": 7, "convolution_param": 106, "scale_param": 142,
                           "recurrent_param": 146, "swish_param": 147, "clip_param": 148},
        "V1LayerParameter": {"layer": 1, "name": 4, "type": 5, "blobs": 6, "param": 1001},
        "V0LayerParameter": {"name": 1, "type": 2, "blobs": 50, "hdf5_output_param": 1001},
        "BlobProto": {"num": 1, "data": 5, "diff": 6, "shape": 7, "double_data": 8, "raw_data": 12},
    }
    for message, fields in numbers.items():
        descriptor = getattr(made, message).DESCRIPTOR
        assert {name: descriptor.fields_by_name[name].number for name in fields} == fields


PARAMETERS = """
    accuracy argmax batch_norm bias clip concat contrastive_loss convolution crop data dropout dummy_data eltwise elu
    embed exp flatten hdf5_data hdf5_output hinge_loss image_data infogain_loss inner_product input log loss lrn
    memory_data mvn parameter pooling power prelu python recurrent reduction relu reshape scale sigmoid slice softmax
    spp swish tanh threshold tile transform window_data
""".split()


def test_the_parameters_of_caffes_layers_are_all_there():
    fields = {field.name for field in BVLC.LayerParameter.DESCRIPTOR.fields if field.message_type}
    assert fields == {f"{name}_param" for name in PARAMETERS} | {"param", "blobs", "include", "exclude"}


def test_defaults():
    layer = BVLC.LayerParameter()
    assert layer.batch_norm_param.eps == pytest.approx(1e-5, rel=1e-6)
    assert layer.lrn_param.local_size == 5 and layer.lrn_param.beta == 0.75
    assert layer.eltwise_param.operation == BVLC.EltwiseParameter.SUM
    assert layer.reduction_param.operation == BVLC.ReductionParameter.SUM == 1
    assert layer.inner_product_param.bias_term and not layer.inner_product_param.transpose
    assert not layer.batch_norm_param.HasField("use_global_stats")
    assert BVLC.NetState().phase == BVLC.Phase.TEST == BVLC.Phase.Value("TEST") == 1
    assert BVLC.Phase.Name(0) == "TRAIN"


def test_any_is_bvlc_and_more():
    for name, message in vars(BVLC).items():
        if not hasattr(message, "DESCRIPTOR") or not hasattr(message.DESCRIPTOR, "fields"):
            continue
        wider = getattr(ANY, name).DESCRIPTOR.fields_by_name
        for field in message.DESCRIPTOR.fields:
            assert wider[field.name].number == field.number and wider[field.name].type == field.type
    assert not hasattr(BVLC, "PriorBoxParameter")
    assert "permute_param" not in BVLC.LayerParameter.DESCRIPTOR.fields_by_name
    assert ANY.LayerParameter().norm_param.scale_filler.type == "constant"  # a fork's message with a message of Caffe's
    assert ANY.ConvolutionParameter.MKLDNN == 4
    assert ANY.V1LayerParameter.CROP == 40


def test_no_two_fields_of_a_message_share_a_number():
    for message in vars(ANY).values():
        if hasattr(getattr(message, "DESCRIPTOR", None), "fields"):
            numbers = [field.number for field in message.DESCRIPTOR.fields]
            assert len(numbers) == len(set(numbers)), message.DESCRIPTOR.name


def test_unknown_dialect():
    with pytest.raises(OptionsError, match="nvidia"):
        messages("nvidia")
