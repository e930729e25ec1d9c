"""Golden nets with numbers, names and lines changed at random: they run as the reference does, or are refused."""

import random
import re

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt import isa
from scalpel_rt.caffe import parse_prototxt, upgrade_net
from scalpel_rt.graph import build, summarize
from scalpel_rt.runtime.reference import ReferencePlan

from .judge import difference
from .test_cases import CASES

NUMBERS = ["0", "1", "-1", "2", "3", "7", "33", "255", "1000000", "2147483647", "2147483648", "4294967295",
           "-2147483648", "9223372036854775807", "1e30", "0.5", "nan", "inf", "-0.0"]
NUMBER = re.compile(r'(?<![\w."-])-?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w."])')
STRING = re.compile(r'"([^"]*)"')
SMALL = 4e5     # bytes of blobs and parameters; with multiply-adds below 1e7 such a net is run too
ROUNDS = 4


def mutated(text, rng):
    """``text`` with one to three changes."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        lines = text.split("\n")
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        change = rng.randrange(8)
        if change == 0:
            del lines[i]
        elif change == 1:
            lines.insert(j, lines[i])
        elif change == 2:
            lines[i], lines[j] = lines[j], lines[i]
        elif change == 3:
            names = STRING.findall(text) or ["x"]
            name = f'"{rng.choice(names)}"'
            lines[i] = STRING.sub(lambda _, name=name: name, lines[i])
        else:
            places = list(NUMBER.finditer(text))
            if places:
                place = rng.choice(places)
                text = text[:place.start()] + rng.choice(NUMBERS) + text[place.end():]
            continue
        text = "\n".join(lines)
    return text


def run(text, rng):
    """Build a net, and run it when it is small; AssertionError where the plan and the reference differ."""
    graph = build(upgrade_net(parse_prototxt(text)))
    summary = summarize(graph)
    if not graph.ready or summary.activation_bytes + summary.parameter_bytes > SMALL or summary.multiply_adds > 1e7:
        return
    values = np.random.default_rng(rng.randrange(1 << 30))
    for node in graph.nodes:
        for param in node.params:
            if not param.loaded:
                param.array = values.standard_normal(param.shape).astype(np.float32) / 2
    feed = {blob.name: values.random(blob.shape, np.float32) for blob in graph.inputs}
    net = srt.Net(graph, srt.Options(isa=rng.choice(isa.runnable()), weights=rng.choice(["auto", "dense", "csr"])))
    got = net.forward(feed)
    if any(node.layer.phase == "TRAIN" or node.type == "DummyData" for node in graph.nodes):
        return      # random
    want = ReferencePlan(graph).run_all(*(feed[blob.name] for blob in graph.inputs))
    for blob, value in zip(graph.outputs, want, strict=True):
        if np.isfinite(value).all() and np.abs(value).max(initial=0) < 1e30:
            why = difference(got[blob.name], value, rtol=1e-3)
            assert why is None, f"{blob.name}: {why}"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.prototxt")), ids=lambda path: path.stem)
def test_mutated(path, monkeypatch):
    monkeypatch.chdir(CASES)
    text = path.read_bytes().decode("latin-1")
    rng = random.Random(path.stem)
    for _ in range(ROUNDS):
        changed = mutated(text, rng)
        try:
            run(changed, rng)
        except srt.ScalpelError as error:
            assert str(error)
        except Exception:
            print(changed)      # what it takes to see it again
            raise


def test_both_ways_out_are_taken():
    """Some of what the tests above make runs and some is refused, or they would prove nothing."""
    text = (CASES / "net_lenet.prototxt").read_text()
    rng = random.Random(0)
    refused = 0
    for _ in range(40):
        try:
            run(mutated(text, rng), rng)
        except srt.ScalpelError:
            refused += 1
    assert 10 < refused < 35
