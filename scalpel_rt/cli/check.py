"""scalpel-rt check: will it run?"""

from dataclasses import asdict

from ..checking import check
from ._common import as_json, printable, table

SUMMARY = "Say of nets whether they will run, what is unknown in them, and how old their format is"
EXAMPLE = """  scalpel-rt check deploy.prototxt net.caffemodel
  scalpel-rt check models/*/*.prototxt --run
  scalpel-rt check *.prototxt --json"""

WEIGHTS = (".caffemodel", ".h5", ".hdf5", ".caffemodel.h5", ".binaryproto")


def arguments(parser):
    """Declare the options."""
    parser.add_argument("files", nargs="+", metavar="MODEL",
                        help="prototxts; a caffemodel (.caffemodel, .h5) goes with the prototxt before it")
    parser.add_argument("--phase", choices=("TEST", "TRAIN"), help="default: TEST, or TRAIN where that is no net")
    parser.add_argument("--level", type=int, default=0, help="the net state's level (default: 0)")
    parser.add_argument("--stage", action="append", default=[], help="a stage of the net state; may be repeated")
    parser.add_argument("--run", dest="forward", action="store_true",
                        help="also run one item forward, with random weights for those that are not given")
    parser.add_argument("--allow-python", action="store_true", help="run the net's Python layers: only if you trust it")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(args):
    """Carry it out: status 0 when every net runs."""
    reports = [check(prototxt, weights, args.phase, args.level, args.stage, args.allow_python, args.forward)
               for prototxt, weights in pairs(args.files)]
    if args.json:
        print(as_json([asdict(report) for report in reports]))
    elif len(reports) == 1:
        print(describe(reports[0]))
    else:
        print(table([row(report) for report in reports], ("file", "format", "forks'", "layers", "runs", "remarks"),
                    right=(3,)))
        bad = sum(report.runs is False for report in reports)
        print(f"\n{len(reports)} files: {sum(report.runs is True for report in reports)} run, {bad} do not")
    return int(any(report.runs is False for report in reports))


def pairs(files):
    """[(prototxt or None, weights or None)]: weights belong to the prototxt before them, if that has none yet."""
    found = []
    for file in files:
        if not file.lower().endswith(WEIGHTS):
            found.append([file, None])
        elif found and found[-1][0] is not None and found[-1][1] is None:
            found[-1][1] = file
        else:
            found.append([None, file])
    return found


def row(report):
    """The cells of the table."""
    forks = ", ".join(report.fork_types) or (f"{len(report.fork_fields)} fields" if report.fork_fields else "-")
    runs = {True: "yes", False: "no", None: "-"}[report.runs]
    remarks = []
    if report.reason:
        remarks.append(report.reason.removeprefix(f"{report.file}: "))
    elif report.kind != "net":
        remarks.append("; ".join(report.notes))
    else:
        if report.phase != "TEST":
            remarks.append(f"only in phase {report.phase}")
        if report.guessed:
            remarks.append("give " + ", ".join(f"{name} a shape such as {shown(shape)}"
                                               for name, shape in report.guessed.items()))
        remarks += [note for note in report.notes if note.startswith("output")]
    return (report.file, report.format or report.kind, forks, report.layers or "", runs, "; ".join(remarks))


def describe(report):
    """All about one file, in lines."""
    verdict = {True: "runs", False: "does not run", None: f"is a file of {report.kind}"}[report.runs]
    if report.kind == "solver":
        verdict = "is a solver, not a net"
    lines = [f"{report.file}: {verdict}" + (f" ({report.seconds:.3g} s for one forward)" if report.seconds else "")]

    def say(what, text):
        if text:
            lines.append(printable(f"  {what + ':':10}{text}"))

    say("why not", report.reason)
    say("format", report.format)
    say("layers", f"{report.layers}, phase {report.phase}" if report.kind == "net" else report.layers)
    say("unknown", "; ".join(f"{kind} ({', '.join(names)})" for kind, names in report.unknown.items()))
    say("forks'", ", ".join(f"{kind} ({origin})" for kind, origin in report.fork_types.items()))
    say("fields", ", ".join(report.fork_fields))
    say("inputs", ", ".join(f"{name} {shown(shape)}" for name, shape in report.inputs.items()))
    say("outputs", ", ".join(f"{name} {shown(shape)}" for name, shape in report.outputs.items()))
    say("guessed", ", ".join(f"{name} {shown(shape)}" for name, shape in report.guessed.items()))
    for note in report.notes:
        say("note", note)
    return "\n".join(lines)


def shown(shape):
    return "?" if shape is None else "x".join(map(str, shape)) or "scalar"
