"""Every golden case through pycaffe's Net: its blobs and outputs are those of the pycaffe that made the cases."""

import pytest

import scalpel_rt as srt
import scalpel_rt.pycaffe as caffe
from tests.golden.judge import difference
from tests.golden.test_cases import BAD, GOOD, arrays, case_id, in_cases  # noqa: F401


def load(case):
    args = dict(case.get("load_args") or {})
    phase = {"TEST": caffe.TEST, "TRAIN": caffe.TRAIN}[args.pop("phase", "TEST")]
    return caffe.Net(f"{case['name']}.prototxt", phase, weights=case["weights"], **args)


def feed(net, arrays):
    for name, array in arrays.items():
        net.blobs[name].reshape(*array.shape)
        net.blobs[name].data[...] = array


@pytest.mark.parametrize("case", GOOD, ids=case_id)
def test_outputs_and_blobs(case):
    net = load(case)
    for given, want in arrays(case):
        feed(net, given)
        outputs = net.forward()
        assert sorted(outputs) == sorted(case["outputs"]) and net.outputs == case["outputs"]
        for name, value in want.items():
            why = difference(outputs[name] if name in outputs else net.blobs[name].data, value)
            assert why is None, f"{name}: {why}"
            assert net.blobs[name].shape == value.shape


@pytest.mark.parametrize("case", GOOD, ids=case_id)
def test_layer_by_layer(case):
    """Each layer run alone, from the memory of the blobs before it, gives what all give together."""
    net = load(case)
    for given, want in arrays(case):
        feed(net, given)
        for i in range(len(net.layers)):
            net._forward(i, i)
        for name, value in want.items():
            why = difference(net.blobs[name].data, value)
            assert why is None, f"{name}: {why}"


# A layer of a fork, which BVLC Caffe refuses and this pycaffe takes.
@pytest.mark.parametrize("case", [case for case in BAD if case["name"] != "err_fork_type"], ids=case_id)
def test_error(case):
    with pytest.raises(srt.ScalpelError):
        net = load(case)
        feed(net, arrays(case)[0][0])
        net.forward()
