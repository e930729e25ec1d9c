"""ncnn, given the program after our passes (BatchNorm folded, ReLU fused): both engines start from the same net."""

import tempfile
from pathlib import Path

import numpy as np

from scalpel_rt.passes import run_passes
from scalpel_rt.plan.lower import Lowering

from . import lacks


def missing():
    return lacks("ncnn")


def prepare(net, threads):
    import ncnn

    other = ncnn.Net()
    other.opt.num_threads = threads
    other.opt.use_fp16_storage = other.opt.use_fp16_arithmetic = other.opt.use_fp16_packed = (
        other.opt.use_bf16_storage
    ) = False
    text, blob, output = _files(net)
    with tempfile.TemporaryDirectory() as folder:
        param, model = Path(folder) / "net.param", Path(folder) / "net.bin"
        param.write_text(text)
        model.write_bytes(blob)
        if other.load_param(str(param)) or other.load_model(str(model)):
            raise RuntimeError("ncnn does not take the net")

    def run(x):
        extractor = other.create_extractor()
        extractor.input("in", ncnn.Mat(x[0] if x.ndim == 4 else x))
        return np.array(extractor.extract(output)[1])

    return run


def _files(net):
    """(param text, bin bytes, name of the output blob)."""
    lowering = Lowering({blob: blob.shape for node in net.layers for blob in node.tops})
    for node in net.layers:
        if not node.layer.is_input and not lowering.add(node):
            raise ValueError(f"{node.name} cannot be written for ncnn")
    program = run_passes(lowering.program(net.graph.outputs)[0])
    w = _Writer()
    w.names[program.inputs[0]] = "in"
    w.uses = _uses(program)
    w.lines.append("Input in 0 1 in")
    w.split(program.inputs[0])
    for op in program.ops:
        if op.kind == "view":
            w.names[op.outputs[0]] = w.take(op.inputs[0])
        else:
            getattr(w, op.kind)(op)
        w.split(op.outputs[0])
    blobs = sum(int(line.split()[3]) for line in w.lines)
    return (
        f"7767517\n{len(w.lines)} {blobs}\n" + "\n".join(w.lines) + "\n",
        b"".join(w.data),
        w.take(program.outputs[0]),
    )


def _uses(program):
    uses = dict.fromkeys((v for op in program.ops for v in op.outputs), 0)
    for op in program.ops:
        for value in op.inputs:
            uses[value] = uses.get(value, 0) + 1
    return uses


class _Writer:
    def __init__(self):
        self.lines, self.data, self.names, self.copies, self.uses = [], [], {}, {}, {}

    def take(self, value):
        """The blob to read a value from: ncnn wants a copy for each reader."""
        copies = self.copies.get(value)
        return copies.pop() if copies else self.names[value]

    def split(self, value):
        n = self.uses.get(value, 0)
        if n > 1:
            self.copies[value] = [f"{self.names[value]}_{i}" for i in range(n)]
            self.lines.append(f"Split split_{len(self.lines)} 1 {n} {self.names[value]} {' '.join(self.copies[value])}")

    def line(self, kind, inputs, output, **params):
        name = f"b{len(self.lines)}"
        self.names[output] = name
        numbers = " ".join(f"{k[1:]}={v}" for k, v in params.items())
        self.lines.append(f"{kind} l{len(self.lines)} {len(inputs)} 1 {' '.join(inputs)} {name} {numbers}")

    def weights(self, op):
        w = op.weights["w"]
        self.data += [b"\0\0\0\0", np.ascontiguousarray(w, np.float32).tobytes()]
        if "b" in op.weights:
            self.data.append(np.ascontiguousarray(op.weights["b"], np.float32).tobytes())

    def activation(self, op):
        act = op.attrs.get("act")
        if act not in (None, ("relu", 0.0, 0.0)):
            raise ValueError(f"activation {act} cannot be written for ncnn")
        return {"_9": 1} if act else {}

    def conv(self, op):
        a, w = op.attrs, op.weights["w"]
        fused = self.activation(op) if len(op.inputs) == 1 else {}
        params = {
            "_0": w.shape[0],
            "_1": a["kw"],
            "_11": a["kh"],
            "_2": a["dw"],
            "_12": a["dh"],
            "_3": a["sw"],
            "_13": a["sh"],
            "_4": a["pw"],
            "_14": a["ph"],
            "_5": int("b" in op.weights),
            "_6": w.size,
            **fused,
        }
        if a["group"] > 1:
            params["_7"] = a["group"]
        self.weights(op)
        self.line(
            "ConvolutionDepthWise" if a["group"] > 1 else "Convolution",
            [self.take(op.inputs[0])],
            op.outputs[0],
            **params,
        )
        if len(op.inputs) == 2:
            self.line("BinaryOp", [self.names[op.outputs[0]], self.take(op.inputs[1])], op.outputs[0], _0=0)
            if self.activation(op):
                self.line("ReLU", [self.names[op.outputs[0]]], op.outputs[0])

    def fc(self, op):
        w = op.weights["w"]
        self.weights(op)
        self.line(
            "InnerProduct",
            [self.take(op.inputs[0])],
            op.outputs[0],
            _0=w.shape[0],
            _1=int("b" in op.weights),
            _2=w.size,
            **self.activation(op),
        )

    def pool(self, op):
        a = op.attrs
        if op.outputs[0].shape[2:] == (1, 1):
            self.line("Pooling", [self.take(op.inputs[0])], op.outputs[0], _0=int(a["method"] == "ave"), _4=1)
        else:
            self.line(
                "Pooling",
                [self.take(op.inputs[0])],
                op.outputs[0],
                _0=int(a["method"] == "ave"),
                _1=a["kw"],
                _11=a["kh"],
                _2=a["sw"],
                _12=a["sh"],
                _3=a["pw"],
                _13=a["ph"],
                _5=0,
            )

    def lrn(self, op):
        a = op.attrs
        self.line(
            "LRN",
            [self.take(op.inputs[0])],
            op.outputs[0],
            _0=int(a["region"] == "within"),
            _1=a["size"],
            _2=a["alpha"],
            _3=a["beta"],
            _4=1.0 if a["region"] == "within" else a["k"],
        )

    def softmax(self, op):
        self.line("Softmax", [self.take(op.inputs[0])], op.outputs[0], _0=0, _1=1)

    def copy(self, op):
        """A concatenation of whole channels."""
        starts = [p["y_offset"] for p in op.attrs["parts"]]
        if len(op.inputs) < 2 or starts != sorted(starts):
            raise ValueError("only concatenations can be written for ncnn")
        self.line("Concat", [self.take(v) for v in op.inputs], op.outputs[0], _0=0)

    def unary(self, op):
        if op.attrs["fn"] != "relu" or op.attrs["p0"]:
            raise ValueError(f"{op.attrs['fn']} cannot be written for ncnn")
        self.line("ReLU", [self.take(op.inputs[0])], op.outputs[0])

    def eltwise(self, op):
        if op.attrs["fn"] != "sum" or (op.attrs["ca"], op.attrs["cb"]) != (1, 1):
            raise ValueError("only plain sums can be written for ncnn")
        self.line("BinaryOp", [self.take(v) for v in op.inputs], op.outputs[0], _0=0)
        if self.activation(op):
            self.line("ReLU", [self.names[op.outputs[0]]], op.outputs[0])
