"""Measure the nets under models/ again: accuracy on the full test sets, weights, bytes. Writes measured.json, and from
it the tables in the README files.

    python models/measure.py --mnist FOLDER --cifar10 FOLDER [NET ...]

nets.json says what data a net was trained on and how pixels become its input. A net whose data are not given stays as
it was measured.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import scalpel_rt as srt
from scalpel_rt.datasets import open_data
from scalpel_rt.files import atomic_write
from scalpel_rt.pruning.sizes import measure
from scalpel_rt.pruning.weights import zeros

HERE = Path(__file__).parent
#: the variants of a net, in the order of the tables, and the files that each may be made of
VARIANTS = {
    "dense": [["deploy.prototxt", "weights.caffemodel"]],
    "magnitude": [["magnitude.safetensors"]],
    "simd": [["simd.safetensors"]],
    "nodes": [["nodes.prototxt", "nodes.caffemodel"]],
    "scalpel": [["scalpel.safetensors"]],
}
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def files_of(net, variant):
    """Paths of a variant's files; empty where the net has none."""
    return next(([HERE / net / name for name in names] for names in VARIANTS[variant]
                 if all((HERE / net / name).exists() for name in names)), [])


def right(net, data, batch=500):
    """How many of ``data`` the net's greatest output names."""
    return sum(int((net.forward({net.inputs[0]: x})[net.outputs[0]].reshape(len(x), -1).argmax(1) == y).sum())
               for x, y in data.batches(batch))


def look(net, variant, data):
    """What is measured of one variant: a dict of plain types."""
    files = files_of(net, variant)
    held = srt.load(*files)
    layers, total = measure(held.graph)
    gone = zeros(held.graph)
    weights = sum(size for _, size in gone.values())
    held.reshape(**{held.inputs[0]: (500, *data.shape)})
    return {"files": [path.name for path in files], "accuracy": 100 * right(held, data) / len(data),
            "weights": weights, "nonzeros": weights - sum(zero for zero, _ in gone.values()), "bytes": total.bytes,
            "file_bytes": sum(path.stat().st_size for path in files),
            "layers": {name: {"weights": gone[name][1] if name in gone else 0,
                              "zeros": gone[name][0] if name in gone else 0, "form": size.form, "bytes": size.bytes}
                       for name, size in layers.items()}}


def shares(found):
    """{variant: (share of the weights removed, share of the bytes removed)} of one net, against its dense variant."""
    dense = found["dense"]
    return {name: (1 - one["nonzeros"] / dense["weights"], 1 - one["bytes"] / dense["bytes"])
            for name, one in found.items()}


def card(found):
    """The tables of a net's card, a list of lines."""
    removed = shares(found)
    lines = ["| variant | file | accuracy % | weights left | removed | bytes | removed |", "|---" * 7 + "|"]
    for name, one in found.items():
        weights, size = removed[name]
        lines.append(f"| {name} | `{one['files'][-1]}` | {one['accuracy']:.2f} | {one['nonzeros']:,} | {weights:.1%} | "
                     f"{one['bytes']:,} | {size:.1%} |")
    lines += ["", "Weights left, layer by layer, and in brackets the share removed:", ""]
    lines += by_layer(found, lambda mine, dense: less(mine["weights"] - mine["zeros"], dense["weights"]))
    lines += ["", "Bytes with biases, indices and pointers, the share removed, and the form of the weights:", ""]
    lines += by_layer(found, lambda mine, dense: less(mine["bytes"], dense["bytes"])
                      + (f", {mine['form']}" if mine["form"] != "dense" else ""))
    return lines


def less(left, whole):
    """``left`` and the share of ``whole`` that is gone, where something is."""
    return f"{left:,}" + (f" ({1 - left / whole:.1%})" if left < whole else "")


def by_layer(found, cell):
    """A table of layers and variants, a list of lines; ``cell`` makes its text of a layer as measured, and the dense
    one."""
    lines = ["| layer | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    for name, dense in found["dense"]["layers"].items():
        cells = [cell(one["layers"][name], dense) if name in one["layers"] else "" for one in found.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def summary(measured):
    """The table of all nets, a list of lines."""
    lines = ["| net | dense | " + " | ".join(f"{name}: accuracy, weights removed, bytes removed"
                                            for name in list(VARIANTS)[1:]) + " |",
             "|---|---|" + "---|" * (len(VARIANTS) - 1)]
    for net, found in measured.items():
        removed = shares(found)
        cells = ["" if name not in found else
                 f"{found[name]['accuracy']:.2f} %, {removed[name][0]:.1%}, {removed[name][1]:.1%}"
                 for name in list(VARIANTS)[1:]]
        dense = found["dense"]
        lines.append(f"| [{net}]({net}/) | {dense['accuracy']:.2f} %, {dense['bytes']:,} bytes | {' | '.join(cells)} |")
    whole = [shares(found)["scalpel"][1] for found in measured.values() if "scalpel" in found]
    if whole:
        lines += ["", f"The mean of the bytes that Scalpel removed is {np.mean(whole):.1%} over {len(whole)} of the "
                      "nets; the paper's, an arithmetic mean over its five nets on a CPU too, is 82 %."]
    return lines


def tables(measured):
    """{path of a README: the lines between its marks}, all from what measured.json holds."""
    return {HERE / "README.md": summary(measured),
            **{HERE / net / "README.md": card(found) for net, found in measured.items()}}


def put(path, lines):
    """Replace what stands between the two marks of a README."""
    text = path.read_text()
    before, rest = text.split(BEGIN)
    with atomic_write(path, "w") as file:
        file.write("\n".join([before + BEGIN, "", *lines, "", END]) + rest.split(END)[1])


def main():
    """Measure what the command line names, keep the rest as it was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", metavar="NET")
    parser.add_argument("--mnist", help="folder with MNIST's idx files")
    parser.add_argument("--cifar10", help="folder with CIFAR-10's binaries")
    args = parser.parse_args()
    known = json.loads((HERE / "nets.json").read_text())
    path = HERE / "measured.json"
    measured = json.loads(path.read_text()) if path.exists() else {}
    for net in args.nets or known:
        about = known[net]
        folder = getattr(args, about["data"])
        if folder is None and args.nets:
            parser.error(f"{net} is measured with --{about['data']}")
        if folder is not None:
            mean = None if about["mean"] is None else np.float32(about["mean"]).reshape(-1, 1, 1)
            data = open_data(folder).with_transform(scale=about["scale"], mean=mean)
            measured[net] = {name: look(net, name, data) for name in VARIANTS if files_of(net, name)}
    measured = {net: measured[net] for net in known if net in measured}
    with atomic_write(path, "w") as file:
        json.dump(measured, file, indent=1)
        file.write("\n")
    for readme, lines in tables(measured).items():
        put(readme, lines)


if __name__ == "__main__":
    main()
