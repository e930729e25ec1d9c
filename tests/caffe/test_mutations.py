"""Damaged files of all kinds: each is read, or refused with an error of ours."""

import random

import pytest

from scalpel_rt.caffe import format_of, read_blobproto, read_prototxt, read_weights, upgrade_net
from scalpel_rt.errors import ScalpelError

WEIGHTS = ["net_prelu_face.caffemodel", "v0_net_v0_weights.caffemodel", "v1_net_v1_weights.caffemodel",
           "weights_unpacked.caffemodel", "weights_double.caffemodel", "weights_extra.caffemodel",
           "weights_h5.caffemodel.h5"]
NETS = ["net_inception_slashes.prototxt", "v0_net_v0_weights.prototxt", "v1_shared_rules.prototxt",
        "text_syntax.prototxt", "text_escapes.prototxt"]
EACH = 150      # damaged files of each


def mutations(data, count, seed):
    """``data`` with a few bytes flipped, removed, repeated, exchanged or put in."""
    chance = random.Random(seed)
    for _ in range(count):
        made = bytearray(data)
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            at, length = chance.randrange(len(made) + 1), chance.choice([1, 1, 2, 8, 100])
            piece = made[at:at + length]
            match chance.choice(["flip", "byte", "cut", "remove", "repeat", "random"]):
                case "flip" if piece:
                    made[at] ^= 1 << chance.randrange(8)
                case "byte":
                    made[at:at + 1] = bytes([chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])])
                case "cut":
                    del made[at:]
                case "remove":
                    del made[at:at + length]
                case "repeat":
                    made[at:at] = piece
                case "random":
                    made[at:at + length] = chance.randbytes(length)
        yield bytes(made)


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(shared, tmp_path, name):
    data = (shared / "golden" / "cases" / name).read_bytes()
    path = tmp_path / name
    refused = 0
    for mutated in mutations(data, EACH, name):
        path.write_bytes(mutated)
        try:
            weights = read_weights(path)
            assert sum(blob.array.size for layer in weights.layers for blob in layer.blobs if blob) < 10**6
            weights.read_net()
        except ScalpelError as error:
            assert str(path) in str(error)
            refused += 1
    assert 10 < refused < EACH


def test_blobproto(shared, tmp_path):
    path = tmp_path / "mean.binaryproto"
    for mutated in mutations((shared / "golden" / "cases" / "infogain_file.binaryproto").read_bytes(), EACH, 0):
        path.write_bytes(mutated)
        try:
            read_blobproto(path)
        except ScalpelError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("name", NETS)
def test_nets(shared, tmp_path, name):
    data = (shared / "golden" / "cases" / name).read_bytes()
    path = tmp_path / name
    refused = 0
    for mutated in mutations(data, EACH, name):
        path.write_bytes(mutated)
        try:
            net = read_prototxt(path)
            assert format_of(upgrade_net(net)) == "V2"
        except ScalpelError:
            refused += 1
    assert 10 < refused < EACH
