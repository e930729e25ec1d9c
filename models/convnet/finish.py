"""Turn a net pruned in the form of train.prototxt into that of deploy.prototxt: BatchNorm folded, normalisation back.

    python models/convnet/finish.py PRUNED.prototxt PRUNED.caffemodel OUTPUT

OUTPUT is a .safetensors, or a name for OUTPUT.prototxt and OUTPUT.caffemodel.
"""

import sys
import tempfile
from pathlib import Path

import scalpel_rt as srt


def finish(prototxt, caffemodel, output):
    """Write ``output``."""
    pruned = srt.fold(srt.load(prototxt, caffemodel))
    keep = {name: len(views[0].data) for name, views in pruned.params.items()}
    keep.pop("ip1")     # the answers stay
    small = srt.prune(srt.load(Path(__file__).with_name("deploy.prototxt")), "nodes", keep=keep)
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, "net.prototxt"), Path(folder, "net.caffemodel")
        small.save(held[0])
        pruned.save(caffemodel=held[1])
        net = srt.load(*held)
        net.save(*([output] if output.endswith(".safetensors") else [f"{output}.prototxt", f"{output}.caffemodel"]))


if __name__ == "__main__":
    finish(*sys.argv[1:])
