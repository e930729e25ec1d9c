"""Include and exclude rules."""

import pytest

from scalpel_rt.errors import GraphError, OptionsError
from scalpel_rt.graph import State
from scalpel_rt.graph.filter import filter_net

from .nets import message

TEST = State()


def kept(rules, state=TEST, head=""):
    net = message(f'{head} layer {{ name: "a" type: "ReLU" {rules} }}')
    return bool(filter_net(net, state)[0].layer)


@pytest.mark.parametrize("rules, state, expected", [
    ("", State(), True),
    ("include { }", State(), True),
    ("exclude { }", State(), False),
    ("include { phase: TRAIN }", State(), False),
    ("include { phase: TRAIN }", State("TRAIN"), True),
    ("exclude { phase: TRAIN }", State("TRAIN"), False),
    ("exclude { phase: TRAIN }", State(), True),
    ("include { min_level: 1 }", State(), False),
    ("include { min_level: 1 }", State(level=1), True),
    ("include { max_level: 1 }", State(level=2), False),
    ("include { min_level: -2 max_level: -1 }", State(level=-1), True),
    ('include { stage: "a" }', State(), False),
    ('include { stage: "a" }', State(stages=("b", "a")), True),
    ('include { stage: "a" stage: "b" }', State(stages=("a",)), False),
    ('include { not_stage: "a" }', State(), True),
    ('include { not_stage: "a" not_stage: "b" }', State(stages=("b",)), False),
    ('include { phase: TRAIN } include { stage: "a" }', State(stages=("a",)), True),
    ('include { phase: TRAIN stage: "a" }', State(stages=("a",)), False),
    ('exclude { phase: TRAIN } exclude { stage: "a" }', State(stages=("a",)), False),
    ("phase: TRAIN", State(), True),
])
def test_rules(rules, state, expected):
    assert kept(rules, state) is expected


def test_caller_decides_phase_and_level_but_only_adds_stages():
    head = 'state { phase: TRAIN level: 3 stage: "file" }'
    rule = 'include { phase: TEST max_level: 0 stage: "file" stage: "caller" }'
    assert kept(rule, State(stages=("caller",)), head)
    assert not kept(rule, State(), head)


def test_both_kinds_of_rule_are_refused():
    with pytest.raises(GraphError, match="'a'.*include and exclude"):
        kept("include { } exclude { }")


def test_unknown_phase():
    with pytest.raises(OptionsError, match="'DEPLOY'"):
        State("DEPLOY")


def test_the_message_given_stays_as_it_is():
    net = message('layer { name: "a" type: "ReLU" exclude { } }')
    filter_net(net, State())
    assert len(net.layer) == 1
