"""scalpel-rt prune: prune a net, once or in stages with retraining."""

import argparse
from dataclasses import asdict, replace

from ..errors import OptionsError
from ._common import as_json, load, net_arguments, place, table
from ._training import (
    Progress,
    data_arguments,
    import_torch,
    learn_arguments,
    learn_of,
    numbers,
    open_parts,
    recipe_arguments,
    recipe_of,
)

SUMMARY = "Prune a net's weights, groups of weights or nodes; with --data, retrain it between stages"
EXAMPLE = """  scalpel-rt prune lenet.prototxt lenet.caffemodel simd --sparsity 0.9 --width 8 -o small
  scalpel-rt prune lenet.prototxt lenet.caffemodel nodes --keep conv1=9 --keep ip1=65 -o small
  scalpel-rt prune lenet.prototxt lenet.caffemodel nodes --penalty 0.002,0.004 -o small --data mnist/ --epochs 10
  scalpel-rt prune lenet.prototxt lenet.caffemodel magnitude --sparsity 0.95 --scope global -o small.safetensors \\
      --data mnist/ --stages 5 --epochs 5 --lr 0.02 --schedule cosine --budget 0.1 --folder run/"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser, weights="required")
    parser.add_argument("method", choices=("magnitude", "simd", "nodes"),
                        help="single weights; groups as wide as the machine's vectors; neurons and feature maps")
    parser.add_argument("--output", "-o", required=True, action="append", type=place, metavar="NAME",
                        help="NAME.prototxt and NAME.caffemodel, or NAME itself where it ends in .safetensors; "
                             "may be repeated")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    how = parser.add_argument_group("how much")
    for name in ("sparsity", "threshold", "quality"):
        how.add_argument(f"--{name}", action="append", type=_number, metavar="[LAYER=]N")
    how.add_argument("--keep", action="append", type=_keep, metavar="LAYER=N",
                     help="how many nodes stay, or which: LAYER=0,3,5")
    how.add_argument("--layers", type=lambda text: text.split(","), help="only these: conv2,ip1")
    how.add_argument("--scope", choices=("layer", "global"),
                     help="who reaches the sparsity: each layer, or all together")
    how.add_argument("--width", type=lambda text: int(text) if text.isdigit() else text,
                     help="weights in a group: 2, 4, 8, 16 or native (default: native)")
    how.add_argument("--axis", choices=("in", "out"), help="groups along the inputs (default) or the outputs")
    how.add_argument("--criterion", choices=("l1", "l2", "bn_scale"), help="importance of nodes (default: l1)")
    how.add_argument("--approximate", action="store_true", default=None,
                     help="also remove nodes that an LRN across channels reads")
    stages = parser.add_argument_group("retraining (needs the extra `train`)")
    stages.add_argument("--stages", type=int, default=1,
                        help="steps in which --sparsity, --threshold or --quality rises (default: 1)")
    stages.add_argument("--penalty", action="append", type=_penalties, metavar="[LAYER=]N[,N...]",
                        help="learn which nodes are redundant: the pull on their masks, N,N,... in stages that follow "
                             "each other")
    learn_arguments(stages)
    stages.add_argument("--last-epochs", dest="last_epochs", type=float,
                        help="of retraining after the last stage (default: --epochs, as after the others)")
    stages.add_argument("--budget", type=float, help="points of accuracy that may be lost; then one step back")
    stages.add_argument("--folder", help="keeps the state of the run, which goes on there after it was killed")
    data_arguments(parser, required=False)
    recipe_arguments(parser, "recipe of each stage")


def run(args):
    """Carry it out."""
    import scalpel_rt as srt

    from ..pruning.sizes import measure

    options = _options(args)
    net = load(args)
    result = {}
    if args.data:
        small, result = _in_stages(args, net, options)
    else:
        if args.stages != 1 or args.budget is not None or args.folder or args.penalty or args.last_epochs:
            raise OptionsError("--stages, --penalty, --last-epochs, --budget and --folder are for retraining, which "
                               "needs --data")
        small = srt.prune(net, args.method, **options)
    for name in args.output:
        small.save(*([name] if name.endswith(".safetensors") else [f"{name}.prototxt", f"{name}.caffemodel"]))
    before, after = measure(net.graph), measure(small.graph)
    if args.json:
        print(as_json({**result, "before": _sizes(before), "after": _sizes(after)}))
        return 0
    print(report(before, after))
    if result.get("accuracy") is not None:
        print(f"\naccuracy {result['accuracy']:.2f} %, {result['dense_accuracy']:.2f} % before")
    return 0


def report(before, after):
    """A table of both nets' layers; each of the two as :func:`scalpel_rt.pruning.sizes.measure` gives it."""
    rows = [(name, *_row(before[0].get(name), size)) for name, size in after[0].items()]
    return table([*rows, ("all", *_row(before[1], after[1]))],
                 ("layer", "weights", "left", "not zero", "form", "bytes", "removed"), right=(1, 2, 3, 5, 6))


def _row(before, after):
    removed = f"{1 - after.bytes / (4 * before.weights):.1%}" if before else ""
    return (f"{before.weights:,}" if before else "", f"{after.weights:,}", f"{after.nonzeros:,}", after.form,
            f"{after.bytes:,}", removed)


def _sizes(measured):
    layers, total = measured
    return {**asdict(total), "layers": {name: asdict(size) for name, size in layers.items()}}


def _in_stages(args, net, options):
    import_torch(args.threads)
    from ..net import Net
    from ..pruning.stages import Stage, prune_and_retrain, rising
    from ..train.recipe import Recipe

    recipe = recipe_of(args, Recipe())
    if "penalty" in options:
        stages = [Stage("nodes", {**options, "penalty": penalty}, learn=learn_of(args, recipe))
                  for penalty in _turns(options["penalty"])]
    elif args.stages > 1:
        ways = [way for way in ("sparsity", "threshold", "quality") if way in options]
        if len(ways) != 1:
            raise OptionsError("--stages needs a --sparsity, a --threshold or a --quality to rise to")
        stages = rising(args.method, options.pop(ways[0]), args.stages, way=ways[0], **options)
    else:
        stages = [Stage(args.method, options)]
    if args.last_epochs is not None:
        stages[-1] = replace(stages[-1], recipe=recipe.but(epochs=args.last_epochs))
    data, test = open_parts(args)
    done = prune_and_retrain(net.graph, data, stages, recipe=recipe, test=test, budget=args.budget, folder=args.folder,
                             progress=Progress(), device=args.device)
    return Net(done.graph, net.options), {"accuracy": done.accuracy, "dense_accuracy": done.dense_accuracy,
                                          "log": done.log}


def _turns(penalty):
    """One penalty, or {layer: penalty}, for each stage; a layer's last one holds for the stages that it does not
    name."""
    if not isinstance(penalty, dict):
        return penalty
    count = max(map(len, penalty.values()))
    return [{layer: of[min(i, len(of) - 1)] for layer, of in penalty.items()} for i in range(count)]


def _options(args):
    """The keyword arguments for the method."""
    options = {}
    for name in ("sparsity", "threshold", "quality", "keep", "penalty"):
        given = getattr(args, name)
        if not given:
            continue
        layers = dict(given)
        if None in layers and len(given) > 1:
            raise OptionsError(f"--{name} is given for all layers and again; give it once, or as LAYER=N for each")
        options[name] = layers.get(None, layers)
    for name in ("layers", "scope", "width", "axis", "criterion", "approximate"):
        if getattr(args, name) is not None:
            options[name] = getattr(args, name)
    allowed = {"magnitude": ("sparsity", "threshold", "quality", "layers", "scope"),
               "simd": ("sparsity", "threshold", "layers", "scope", "width", "axis"),
               "nodes": ("sparsity", "keep", "penalty", "layers", "scope", "criterion", "approximate")}[args.method]
    method = args.method
    if "penalty" in options and method == "nodes":
        method, allowed = "nodes learnt by --penalty", ("penalty", "approximate")
    for name in options:
        if name not in allowed:
            raise OptionsError(f"--{name} is not for {method}, which takes "
                               f"{', '.join('--' + other for other in allowed)}")
    if "penalty" in options and args.stages != 1:
        raise OptionsError("--stages is for what rises; --penalty N,N,... says the stages itself")
    return options


def _number(text):
    layer, _, number = text.rpartition("=")
    try:
        return layer or None, float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 0.9, or conv1=0.9") from None


def _penalties(text):
    layer, _, penalties = text.rpartition("=")
    return layer or None, numbers(penalties)


def _keep(text):
    layer, _, nodes = text.rpartition("=")
    try:
        if not layer:
            raise ValueError
        return layer, [int(n) for n in nodes.split(",") if n] if "," in nodes else int(nodes)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not such as conv1=9, or conv1=0,3,5") from None
