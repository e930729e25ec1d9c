"""The report of a pruning run, as Markdown text."""


def account(outcome):
    """What Scalpel decided, did and reached; ``outcome`` is an :class:`~scalpel_rt.pruning.scalpel.Outcome`."""
    (dense_layers, dense), (layers, pruned) = outcome.sizes
    about = outcome.machine
    lines = [f"# {outcome.net.name or 'Net'}, pruned by Scalpel", "", *_summary(outcome, dense, pruned), "",
             "## Machine", ""]
    lines.append(f"Parallelism {about['parallelism']}; groups of {about['width']} along the "
                 f"{'inputs' if about['axis'] == 'in' else 'outputs'}.")
    if "name" in about:
        caches = ", ".join(str(about[name]) for name in ("l1d", "l2", "l3"))
        lines.append(f"{about['name']}, {about['isa']}, {about['cores']} cores, caches of {caches} bytes.")
    lines += ["", "## Decisions", "", *_table(("layer", "kind", "technique", "why"),
                                              [(d.layer, d.kind, d.technique, d.why) for d in outcome.decisions])]
    if outcome.pays:
        lines += ["", "Sparsity from which on a form beats dense (measured, one thread):", "",
                  *_table(("layer", "single weights", "groups along inputs", "along outputs"),
                          [(p.layer, *(_share(p.crossover(form)) for form in ("csr", "in", "out")))
                           for p in outcome.pays.values()])]
    lines += ["", "## Stages", "", *_table(
        ("stage", "method", "what", "accuracy %", "weights", "bytes", ""), [_stage(row) for row in outcome.log])]
    lines += ["", "## Layers", "", *_table(
        ("layer", "weights before", "weights", "zeros", "form", "bytes before", "bytes"),
        [_layer(name, dense_layers.get(name), size) for name, size in layers.items()])]
    return "\n".join(lines) + "\n"


def _summary(outcome, dense, pruned):
    removed = 1 - pruned.nonzeros / dense.weights
    return [f"- accuracy {outcome.accuracy:.2f} % on the test data, {outcome.dense_accuracy:.2f} % before",
            f"- weights {dense.weights:,} before, {pruned.nonzeros:,} left that are not zero: {removed:.1%} removed",
            f"- bytes {4 * dense.weights:,} before, {pruned.bytes:,} with every index and pointer: "
            f"{1 - pruned.bytes / (4 * dense.weights):.1%} removed"]


def _stage(row):
    options = row["options"]
    penalty = options.get("penalty")
    what = (f"penalty {max(penalty.values()) if isinstance(penalty, dict) else penalty:g}" if penalty is not None
            else ", ".join(f"{name} {options[name]}" for name in ("sparsity", "threshold", "quality", "keep")
                           if name in options))
    if row.get("skipped"):
        return row["stage"], row["method"], what, "", "", "", "nothing found" if row["accepted"] else "left out"
    return (row["stage"], row["method"], what, "" if row["accuracy"] is None else f"{row['accuracy']:.2f}",
            f"{row['nonzeros']:,}", f"{row['bytes']:,}", "" if row["accepted"] else "undone: below the budget")


def _layer(name, before, size):
    zeros = 1 - size.nonzeros / size.weights if size.weights else 0.0
    return (name, f"{before.weights:,}" if before else "", f"{size.weights:,}", f"{zeros:.1%}", size.form,
            f"{4 * before.weights:,}" if before else "", f"{size.bytes:,}")


def _share(value):
    return "never" if value is None else f"{value:.0%}"


def _table(header, rows):
    """A Markdown table."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (header, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    lines.insert(1, "|" + " --- |" * len(header))
    return lines
