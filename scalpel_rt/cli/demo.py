"""scalpel-rt demo: the main job on what the project ships."""

import time

import numpy as np

from .. import zoo
from ..isa import active
from ._common import run_arguments

SUMMARY = "Classify handwritten digits with the LeNet-5 that comes along"
EXAMPLE = "  scalpel-rt demo"

_SHADES = " ░▒▓█"


def arguments(parser):
    """Declare the options."""
    run_arguments(parser)
    parser.add_argument("--show", type=int, default=8, help="how many digits to draw (default: 8)")


def run(args):
    """Carry it out."""
    import scalpel_rt as srt

    folder = zoo.path("lenet5")
    net = srt.load(folder / "deploy.prototxt", folder / "weights.caffemodel")
    net.options = srt.Options(**{k: getattr(args, k) for k in ("threads", "isa") if getattr(args, k) is not None})
    with np.load(folder / "digits.npz") as held:
        images, labels = held["images"], held["labels"]
    x = images[:, None].astype(np.float32) / 256
    scores = np.concatenate([net.forward(data=x[i : i + 1])["prob"] for i in range(len(x))])
    answers = scores.argmax(1)

    print(
        f"LeNet-5 from {folder}: {net.summary().parameters:,} parameters, level {active()}\n"
    )
    wrong = [i for i in range(len(x)) if answers[i] != labels[i]]
    shown = (wrong[:2] + [i for i in range(len(x)) if answers[i] == labels[i]])[: max(args.show, 0)]
    for start in range(0, len(shown), 4):
        row = shown[start : start + 4]
        for lines in zip(*(_draw(images[i]) for i in row), strict=True):
            print("  ".join(lines))
        print("  ".join(f"{_caption(answers[i], scores[i].max(), labels[i]):<20}" for i in row), end="\n\n")

    right = int((answers == labels).sum())
    print(f"accuracy   {right} of {len(x)} shipped digits right: {100 * right / len(x):.2f} %")
    one, many = _milliseconds(net, x[:1]), _milliseconds(net, x)
    print(f"speed      {one:.3f} ms for one image, {many / len(x):.3f} ms an image in a batch of {len(x)}")
    return 0


def _milliseconds(net, x):
    """Median over a fifth of a second of forwards."""
    net.forward(data=x)
    times, until = [], time.perf_counter() + 0.2
    while time.perf_counter() < until or len(times) < 3:
        start = time.perf_counter()
        net.forward(data=x)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def _caption(answer, score, label):
    return f"{answer} ({100 * score:.1f} %)" + ("" if answer == label else f", is {label}")


def _draw(image):
    """A 28x28 digit as ten lines of twenty characters: the middle, two rows in one."""
    small = image[4:24, 4:24].reshape(10, 2, 20).mean(1)
    return ["".join(_SHADES[min(int(v) * len(_SHADES) // 256, len(_SHADES) - 1)] for v in line) for line in small]
