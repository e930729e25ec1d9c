"""Every layer type that compiles, in random cases: what the kernels of every level give is as close to float64 as is
said for each element."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpel_rt import isa
from scalpel_rt.layers import Layer, find, types
from scalpel_rt.options import Options
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.spec import Builder, Program, Value

from .cases import AMONG, CASES, EPS, SAME, SUM, Draw
from .harness import lowered, make

#: Where those that Python runs are held against formulas or loops of their own.
RUN_BY_PYTHON = {
    "test_scores.py": ["Accuracy"],
    "test_indexing.py": ["BatchReindex", "Embed", "Filter"],
    "test_losses.py": ["ContrastiveLoss", "EuclideanLoss", "HingeLoss", "InfogainLoss", "MultinomialLogisticLoss",
                       "SigmoidCrossEntropyLoss", "SoftmaxWithLoss"],
    "test_recurrent.py": ["LSTM", "LSTMUnit", "RNN"],
    "test_forks.py": ["Lstm"],
    "test_detection_training.py": ["BoxAnnotatorOHEM", "DetectionEvaluate", "MultiBoxLoss", "SmoothL1Loss",
                                   "SmoothL1LossOHEM", "SoftmaxWithLossOHEM"],
    "test_regions.py": ["PSROIPooling", "ROIAlign", "ROIPooling"],
    "test_proposal.py": ["Proposal"],
    "test_ssd.py": ["DetectionOutput"],
    "test_yolo.py": ["YoloDetectionOutput", "Yolov3DetectionOutput"],
    "test_data.py": ["Data", "HDF5Data", "HDF5Output", "ImageData", "MemoryData", "WindowData", "AnnotatedData",
                     "DenseImageData", "ImageLabelmapData", "VideoData"],
    "test_sources.py": ["Input"],
    "test_python.py": ["Python"],
}


def test_every_layer_has_a_property_test():
    """Or, where no kernel has a part in it, is named in the tests of its like."""
    elsewhere = {name for names in RUN_BY_PYTHON.values() for name in names}
    compiled = {name for name in types() if find(name).lower is not Layer.lower}
    assert compiled == set(CASES) | set(AMONG)
    assert elsewhere == set(types()) - compiled
    for file, names in RUN_BY_PYTHON.items():
        text = (Path(__file__).parent / file).read_text()
        assert not [name for name in names if name not in text], file


def parameters(d, layer, name, shapes):
    """Random blobs that suit the layer."""
    if name in ("BatchNorm", "BN"):
        mean, variance = d.array(*shapes[0]), d.positive(*shapes[0])
        if name == "BatchNorm":
            return [mean, variance, np.full(shapes[2], d.one(1, 2.5), np.float32)]
        return [d.array(*shapes[0]), d.array(*shapes[0]), mean, variance]
    masks = len(shapes) - 1 - layer.bias_term if name.startswith("C") and hasattr(layer, "masks_bias") else 0
    plain = [d.array(*shape) for shape in shapes[:len(shapes) - masks]]
    return plain + [(d.rng.random(shape) < 0.6).astype(np.float32) for shape in shapes[len(shapes) - masks:]]


def magnitudes(layer, bottoms, params):
    """What the layer gives for the magnitudes of all that goes in."""
    return layer.forward([np.abs(x) for x in bottoms], [np.abs(p) for p in params])


@pytest.mark.parametrize("name", sorted(CASES))
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_compiled(name, seed):
    d = Draw(seed)
    text, bottoms, bound = CASES[name](d)
    layer = make(f'type: "{name}" ' + "".join(f'bottom: "x{i}" ' for i in range(len(bottoms))) + f'top: "y" {text}')
    params = parameters(d, layer, name, layer.param_shapes([x.shape for x in bottoms]))
    wants = layer.forward(bottoms, params)
    program = lowered(layer, bottoms, params)
    assert program is not None, "it does not compile"
    doubles = [x.astype(np.float64) for x in bottoms], [p.astype(np.float64) for p in params]
    if bound == SUM:
        products = max(layer.multiply_adds([x.shape for x in bottoms], [y.shape for y in wants],
                                           [p.shape for p in params]) / max(1, wants[0].size), 1)
        if name == "Reduction":
            products = bottoms[0].size
        limits = [(3 + np.sqrt(products)) * EPS * np.nan_to_num(y) for y in magnitudes(layer, bottoms, params)]
    else:
        limits = [0.0 if bound == SAME else bound(y.astype(np.float64), *doubles) for y in wants]
    for level in isa.runnable():
        plan = compile_program(program, Options(isa=level, threads=d.int(1, 2), numerics="exact", tune=False))
        for got, want, limit in zip(plan.run_all(*bottoms), wants, limits, strict=True):
            with np.errstate(invalid="ignore"):
                off = np.asarray(np.abs(got.astype(np.float64) - want))
            off[(got == want) | (np.isnan(got) & np.isnan(want))] = 0
            worst = np.argmax(off - limit) if off.size else 0
            assert (off <= limit).all(), (
                f"{level}: got {got.flat[worst]}, want {want.flat[worst]}, off by {off.flat[worst]}, allowed "
                f"{np.broadcast_to(limit, off.shape).flat[worst]}; {text}, {[x.shape for x in bottoms]}")


@pytest.mark.parametrize("name", sorted(AMONG))
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_compiled_among_others(name, seed):
    d = Draw(seed)
    texts, inputs, watched = AMONG[name](d)
    build, arrays = Builder(), dict(inputs)
    values = {blob: Value(blob, array.shape) for blob, array in inputs.items()}
    given_ = tuple(values.values())
    for text in texts:
        layer = make(text)
        bottoms = [arrays[blob] for blob in layer.message.bottom]
        arrays.update(zip(layer.message.top, layer.forward(bottoms, []), strict=True))
        tops = [Value(blob, arrays[blob].shape) for blob in layer.message.top]
        values.update((top.name, top) for top in tops)
        build.layer(layer.message.type)
        assert layer.lower(build, [values[blob] for blob in layer.message.bottom], tops, []), f"{text} does not compile"
    program = Program(tuple(build.ops), given_, (values[watched],))
    for level in isa.runnable():
        plan = compile_program(program, Options(isa=level, threads=d.int(1, 2), numerics="exact", tune=False))
        np.testing.assert_array_equal(plan.run(*inputs.values()), arrays[watched], err_msg=f"{level}: {texts}")
