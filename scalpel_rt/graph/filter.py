"""Which layers of a net take part: Caffe's `state`, `include` and `exclude`."""

from dataclasses import dataclass

from ..errors import GraphError, OptionsError

PHASES = ("TRAIN", "TEST")  # by their number in the Phase enum


@dataclass(frozen=True)
class State:
    """What the rules are held against: the phase, the level and the stages."""

    phase: str = "TEST"
    level: int = 0
    stages: tuple = ()

    def __post_init__(self):
        if self.phase not in PHASES:
            raise OptionsError(f"phase must be 'TEST' or 'TRAIN', not {self.phase!r}")


def filter_net(message, state):
    """The layers of ``message`` that take part under ``state``: a copy of the NetParameter, and the whole State.

    As in Caffe, phase and level come from the caller alone, while the caller's stages are added to those that
    the file names. Raises GraphError for a layer with both include and exclude rules.
    """
    state = State(state.phase, state.level, (*message.state.stage, *state.stages))
    kept = type(message)()
    kept.CopyFrom(message)
    for i in reversed(range(len(kept.layer))):
        if not takes_part(kept.layer[i], state):
            del kept.layer[i]
    return kept, state


def takes_part(layer, state):
    """Whether a LayerParameter takes part: any include rule holds, or (without include rules) no exclude rule does."""
    if layer.include and layer.exclude:
        raise GraphError("has both include and exclude rules; Caffe takes one kind or the other", layer=layer.name)
    if layer.include:
        return any(rule_holds(rule, state) for rule in layer.include)
    return not any(rule_holds(rule, state) for rule in layer.exclude)


def rule_holds(rule, state):
    """Whether all that a NetStateRule says is true of ``state``; an empty rule always holds."""
    if rule.HasField("phase") and PHASES[rule.phase] != state.phase:
        return False
    if rule.HasField("min_level") and state.level < rule.min_level:
        return False
    if rule.HasField("max_level") and state.level > rule.max_level:
        return False
    return all(s in state.stages for s in rule.stage) and not any(s in state.stages for s in rule.not_stage)
