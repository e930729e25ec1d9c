"""ONNX Runtime, its CPU provider with all graph optimisations."""

from scalpel_rt.export.onnx import to_onnx

from . import lacks


def missing():
    return lacks("onnxruntime") or lacks("onnx")


def prepare(net, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # else its threads go on looking for work after a run, on the cores of whoever is timed next
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(to_onnx(net.graph).SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = net.inputs[0]
    return lambda x: session.run(None, {name: x})[0]
