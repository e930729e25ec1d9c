"""scalpel-rt scalpel: prune a net for a machine, as the Scalpel paper does."""

from pathlib import Path

from ..errors import OptionsError
from ._common import as_json, load, net_arguments, table
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
from .prune import report

SUMMARY = "Prune a net for this machine, or for less or more parallel ones, within an accuracy budget"
EXAMPLE = """  scalpel-rt scalpel models/lenet5/deploy.prototxt models/lenet5/weights.caffemodel --data mnist/ \\
      --budget 0.1 --epochs 10 --lr 0.02 --schedule cosine --folder run/ --output lenet5-small/
  scalpel-rt scalpel lenet.prototxt lenet.caffemodel --decide     # only say what would be done, and why"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser, weights="required")
    parser.add_argument("--machine", choices=("native", "low", "moderate", "high"), default="native",
                        help="this one, measured (default); or its parallelism: a microcontroller, a CPU, a GPU")
    parser.add_argument("--output", "-o", help="folder for net.prototxt, net.caffemodel, net.safetensors, log.json, "
                                               "report.md")
    parser.add_argument("--folder", help="keeps the state of the run, which goes on there after it was killed")
    parser.add_argument("--budget", type=float, default=0.3, help="points of accuracy that may be lost (default: 0.3)")
    parser.add_argument("--width", type=lambda text: int(text) if text.isdigit() else text,
                        help="weights in a group: 2, 4, 8, 16 or native")
    parser.add_argument("--axis", choices=("in", "out"),
                        help="groups along the inputs or the outputs (default: what is faster here)")
    parser.add_argument("--approximate", action="store_true",
                        help="also remove nodes that an LRN across channels reads")
    parser.add_argument("--penalties", type=_ladder, help="stages of node pruning: 0.0002,0.0005,0.001; or none")
    parser.add_argument("--sparsities", type=_ladder, help="stages of group pruning: 0.5,0.8,0.9; or none")
    learn_arguments(parser)
    parser.add_argument("--decide", action="store_true", help="only decide for each layer")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    data_arguments(parser, required=False)
    recipe_arguments(parser, "recipe of retraining")


def run(args):
    """Carry it out."""
    from ..pruning.scalpel import PENALTIES, SPARSITIES, decide, scalpel

    net = load(args)
    if args.decide:
        def measuring(layer):
            Progress()({"measuring": layer})

        return _decide(args, *decide(net.graph, args.machine, width=args.width or "native", axis=args.axis,
                                     approximate=args.approximate, progress=measuring))
    if not (args.data and args.output):
        raise OptionsError("--data and --output are needed, unless --decide is given")
    Path(args.output).mkdir(parents=True, exist_ok=True)     # what cannot be written says so before hours of work
    import_torch(args.threads)
    from ..train.recipe import Recipe

    data, test = open_parts(args)
    if test is None:
        raise OptionsError("--test-data is needed: the accuracy budget is judged by it")
    recipe = recipe_of(args, Recipe(epochs=10, lr=0.01, schedule="cosine"))
    outcome = scalpel(net, data, args.machine, test=test, budget=args.budget, recipe=recipe,
                      learn=learn_of(args, recipe), width=args.width, axis=args.axis, approximate=args.approximate,
                      penalties=PENALTIES if args.penalties is None else args.penalties,
                      sparsities=SPARSITIES if args.sparsities is None else args.sparsities,
                      folder=args.folder, progress=Progress(), device=args.device)
    outcome.save(args.output)
    if args.json:
        print(as_json(outcome.as_dict()))
        return 0
    print(report(*outcome.sizes))
    print(f"\naccuracy {outcome.accuracy:.2f} %, {outcome.dense_accuracy:.2f} % before; written to {args.output}")
    return 0


def _ladder(text):
    return () if text == "none" else numbers(text)


def _decide(args, decisions, axis, found):
    if args.json:
        print(as_json({"axis": axis, "decisions": [vars(d) for d in decisions],
                       "crossover": {name: {form: pay.crossover(form) for form in pay.sparse}
                                     for name, pay in found.items()}}))
        return 0
    print(table([(d.layer, d.kind, d.technique, d.why) for d in decisions], ("layer", "kind", "technique", "why")))
    return 0
