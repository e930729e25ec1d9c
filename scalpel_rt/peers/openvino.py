"""OpenVINO on the CPU, in float32, for latency."""

from scalpel_rt.export.onnx import to_onnx

from . import lacks


def missing():
    return lacks("openvino") or lacks("onnx")


def prepare(net, threads):
    import io

    import openvino as ov

    core = ov.Core()
    model = core.read_model(io.BytesIO(to_onnx(net.graph).SerializeToString()))
    compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                                                 "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()

    def run(x):
        request.infer([x], share_inputs=True)
        return request.get_output_tensor(0).data

    return run
