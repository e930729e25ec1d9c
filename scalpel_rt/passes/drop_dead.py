"""Leave out what nobody reads."""

from ..plan.spec import Program


def drop_dead(program):
    """Without the operations whose outputs lead to no output of the program."""
    needed, kept = set(program.outputs), []
    for op in reversed(program.ops):
        if needed.intersection(op.outputs):
            kept.append(op)
            needed.update(op.inputs)
    return Program(tuple(reversed(kept)), program.inputs, program.outputs)
