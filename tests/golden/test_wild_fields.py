"""Each number that a prototxt may give a layer, NaN, infinite or extreme: run as the reference does, or refused."""

import functools
import random

import pytest

import scalpel_rt as srt
from scalpel_rt.caffe import format_prototxt, parse_prototxt, upgrade_net

from .test_cases import CASES
from .test_fuzz import run

WILD = ["nan", "inf", "-inf", "3.4e38", "-3.4e38", "1e-45"]


def float_fields(message, path=()):
    """The paths of all fields of floats in a message, and in those that it holds."""
    for field in message.DESCRIPTOR.fields:
        if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
            yield (*path, field.name)
        elif field.message_type is not None and not field.is_repeated and message.HasField(field.name):
            yield from float_fields(getattr(message, field.name), (*path, field.name))


@functools.cache
def places():
    """{(type of layer, path of a field): (a golden net, the layer's number there)}, the smallest net that has it."""
    found = {}
    for path in sorted(CASES.glob("*.prototxt"), key=lambda path: path.stat().st_size):
        try:
            net = upgrade_net(parse_prototxt(path.read_bytes().decode("latin-1")))
        except srt.ScalpelError:
            continue        # one that is to be refused
        for i, layer in enumerate(net.layer):
            for fields in float_fields(layer):
                found.setdefault((layer.type, fields), (net, i))
    return found


@pytest.mark.parametrize("value", WILD)
def test_every_number(value, monkeypatch):
    monkeypatch.chdir(CASES)
    ways = {"run": 0, "refused": 0}
    for (kind, fields), (net, i) in places().items():
        changed = type(net)()
        changed.CopyFrom(net)
        message = changed.layer[i]
        for name in fields[:-1]:
            message = getattr(message, name)
        held = getattr(message, fields[-1])
        if hasattr(held, "append"):
            held[:] = [float(value), *held[1:]]
        else:
            setattr(message, fields[-1], float(value))
        try:
            run(format_prototxt(changed), random.Random(0))
            ways["run"] += 1
        except srt.ScalpelError as error:
            assert str(error)
            ways["refused"] += 1
        except Exception as error:
            raise AssertionError(f"{kind} with {'.'.join(fields)} = {value}") from error
    assert sum(ways.values()) > 100 and min(ways.values()) > 5, ways
