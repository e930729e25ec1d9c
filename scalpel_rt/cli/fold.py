"""scalpel-rt fold: put BatchNorm, Scale and Bias layers into the weights before them."""


from ._common import as_json, load, net_arguments, place

SUMMARY = "Put BatchNorm, Scale and Bias layers into the weights before them"
EXAMPLE = """  scalpel-rt fold resnet.prototxt resnet.caffemodel -o folded.prototxt -o folded.caffemodel"""


def arguments(parser):
    """Declare the options."""
    net_arguments(parser, weights="required")
    parser.add_argument("--output", "-o", required=True, action="append", type=place, metavar="FILE",
                        help="a .prototxt, a .caffemodel, a .caffemodel.h5 or a .safetensors; may be repeated")
    parser.add_argument("--equalize", action="store_true",
                        help="make the weights of all layers of like size, which changes no output: for a ranking of "
                             "all weights together, or one rate of training for all")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(args):
    """Carry it out."""
    import scalpel_rt as srt

    net = load(args)
    folded = srt.fold(net, args.equalize)
    for name in args.output:
        alone = name.endswith((".prototxt", ".safetensors"))
        folded.save(*([name] if alone else [None, name]))
    before, after = len(net.layers), len(folded.layers)
    print(as_json({"layers": after, "layers_before": before}) if args.json
          else f"{before} layers, {after} after folding: {', '.join(args.output)}")
    return 0
