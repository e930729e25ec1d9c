import csv
import json
import math
import struct

import pytest
from google.protobuf import text_format
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scalpel_rt.caffe import format_prototxt, messages, parse_prototxt, read_prototxt, write_prototxt
from scalpel_rt.errors import FormatError

ANY = messages("any")


def layer(text):
    """The one layer of a net of one layer."""
    return parse_prototxt("layer {" + text + "}").layer[0]


# ---- what Caffe takes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "dims"), [
    ("shape { dim: 1 dim: 2 }", [1, 2]),
    ("shape: { dim: 1, dim: 2 }", [1, 2]),
    ("shape < dim: 1; dim: 2; >", [1, 2]),
    ("shape { dim: [1, 2, 3] dim: 4 }", [1, 2, 3, 4]),
    ("shape { dim: [] }", []),
    ("shape { dim: [0x1F, 017, 0] }", [31, 15, 0]),
    ("shape { dim: -1 dim: - 2 }", [-1, -2]),
    ("shape { dim: 1dim: 2 }", None),
    ("shape { dim: 9223372036854775807 dim: -9223372036854775808 }", [2**63 - 1, -(2**63)]),
    ("shape { dim: 9223372036854775808 }", None),
    ("shape { dim: " + "9" * 10000 + " }", None),
    ("shape { dim: 1_000 }", None),
    ("shape { dim: 0b1 }", None),
    ("shape { dim: 0o7 }", None),
    ("shape { dim: 08 }", None),
    ("shape { dim: 1e3 }", None),
    ("shape { dim: 1.0 }", None),
    ("shape { dim: +1 }", None),
    ("shape { dim: '1' }", None),
    ("shape { dim: true }", None),
    ("shape { dim: [1, 2 }", None),
    ("shape { dim: [1 2] }", None),
    ("shape { dim: [1,] }", None),
    ("shape { dim 1 }", None),
    ("shape { dim: 1 >", None),
    ("shape < dim: 1 }", None),
    ("shape { dim: 1,, }", None),
])
def test_integers_and_punctuation(text, dims):
    text = f"input_param {{ {text} }}"
    if dims is None:
        with pytest.raises(FormatError):
            layer(text)
    else:
        assert list(layer(text).input_param.shape[0].dim) == dims


def test_lists_of_messages():
    made = layer("input_param { shape: [{ dim: 1 }, <dim: 2>] }")
    assert [list(shape.dim) for shape in made.input_param.shape] == [[1], [2]]


@pytest.mark.parametrize(("text", "value"), [
    ("2.5f", 2.5), ("2F", 2.0), ("1.", 1.0), (".5", 0.5), ("-.5e1", -5.0), ("- 1", -1.0), ("1e-3", 1e-3), ("7", 7.0),
    ("inf", math.inf), ("-inf", -math.inf), ("Infinity", math.inf), ("INF", math.inf), ("1e39", math.inf),
    ("3.4028235e38", 3.4028234663852886e38), ("1e-46", 0.0), ("0", 0.0), ("0.", 0.0),
    ("0x10", None), ("010", None), ("1e", None), ("e5", None), ("1.2.3", None), ("infinite", None), ("1 f", None),
    ("'1'", None), ("1_0", None), ("true", None), (".", None),
])
def test_floats(text, value):
    text = f"power_param {{ scale: {text} }}"
    if value is None:
        with pytest.raises(FormatError):
            layer(text)
    else:
        assert layer(text).power_param.scale == struct.unpack("f", struct.pack("f", value))[0]


def test_nan():
    assert math.isnan(layer("power_param { scale: nan }").power_param.scale)
    assert math.isnan(layer("power_param { scale: -NaN }").power_param.scale)


@pytest.mark.parametrize(("text", "value"), [
    ("true", True), ("True", True), ("t", True), ("1", True), ("0x1", True),
    ("false", False), ("False", False), ("f", False), ("0", False),
    ("TRUE", None), ("T", None), ("2", None), ("-1", None), ("1.0", None), ("'true'", None), ("yes", None),
])
def test_bools(text, value):
    text = f"inner_product_param {{ bias_term: {text} }}"
    if value is None:
        with pytest.raises(FormatError, match="bias_term"):
            layer(text)
    else:
        assert layer(text).inner_product_param.bias_term is value


@pytest.mark.parametrize(("text", "value"), [
    ("MAX", 0), ("AVE", 1), ("1", 1), ("0x2", 2),
    ("max", None), ("'MAX'", None), ("3", None), ("-1", None), ("1.0", None), ("MAX.AVE", None),
])
def test_enums(text, value):
    text = f"pooling_param {{ pool: {text} }}"
    if value is None:
        with pytest.raises(FormatError):
            layer(text)
    else:
        assert layer(text).pooling_param.pool == value


@pytest.mark.parametrize(("text", "value"), [
    ("'a' \"b\" # and\n 'c'", "abc"),
    (r'"\x41\102\n\t\\\"\'\?\a"', "AB\n\t\\\"'?\a"),
    (r'"\u00e9\U0001F600"', "\u00e9\U0001f600"),
    (r'"\303\251"', "\u00e9"),
    ("'\u5c42'", "\u5c42"),
    ("'it\"s'", 'it"s'),
    ("''", ""),
    ("'a", None), ("'a\nb'", None), (r"'\q'", None), (r"'\xZZ'", None), (r"'\ud800'", None), (r"'\U00110000'", None),
    (r"'\377'", "\u00ff"), ("a", None), ("'a\\\nb'", None), ("1", None),
])
def test_strings(text, value):
    text = f"name: {text}"
    if value is None:
        with pytest.raises(FormatError):
            layer(text)
    else:
        assert layer(text).name == value


def test_bytes_outside_utf8():
    assert parse_prototxt(b"\xef\xbb\xbfname: 'x' # \xb2\xe3 in GBK\n").name == "x"
    assert parse_prototxt(b"name: '\xe9' '\\351'").name == "\u00e9\u00e9"  # Caffe takes any bytes


# ---- what Caffe refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "line", "message"), [
    ("layer {\n  kernel: 3\n}", 2, "LayerParameter has no field kernel"),
    ("layer { convolution_param {\n kernal_size: 3 } }", 2, "did you mean kernel_size"),
    ("name: 'a'\n\nname: 'b'", 3, "name of NetParameter is given twice"),
    ("layer { pooling_param {}\n pooling_param {} }", 2, "pooling_param of LayerParameter is given twice"),
    ("layer { clip_param { min: 0\n} }", 2, "lacks the required max"),
    ("layer {\n\n", 3, "the end of the file inside layer, opened in line 1"),
    ("layer {} }", 1, "expected a field of NetParameter, found }"),
    ("layer: 3", 1, "expected '{' to open layer, found 3"),
    ("name { }", 1, "expected ':' after name"),
    ("name:", 1, "found the end of the file"),
    ("layer { convolution_param { pad: -1 } }", 1, "pad cannot be negative, found -1"),
    ("layer { convolution_param { pad: 4294967296 } }", 1, "pad is out of range: 4294967296"),
    ("layer { pooling_param { pool: MEDIAN } }", 1, "one of MAX, AVE, STOCHASTIC"),
    ("layer { include { phase: TST } }", 1, "did you mean TEST"),
    ("[caffe.extension]: 1", 1, "expected a field"),
    ("\ufeffname: 'a'", None, None),
    ("naïve: 1", 1, "has no"),
    ("name: 'a'\0", 1, "a zero byte"),
    ("name: 'a' \x01", 1, "has no place"),
])
def test_errors_say_where_and_what(text, line, message):
    if message is None:
        assert parse_prototxt(text.encode()).name == "a"
        return
    with pytest.raises(FormatError) as caught:
        parse_prototxt(text, name="net.prototxt")
    assert caught.value.line == line
    assert message in str(caught.value) and str(caught.value).startswith(f"net.prototxt:{line}: ")


def test_errors_name_the_layer():
    with pytest.raises(FormatError) as caught:
        parse_prototxt("layer { name: 'conv1' convolution_param { pad: 1.5 } }")
    assert caught.value.layer == "conv1"


@pytest.mark.parametrize("text", [
    "{" * 100_000, "layer {" * 100_000, "layer { layer {" * 100_000, "[" * 100_000, "layer: [" * 100_000,
    "<" * 100_000, "layer { include: [" * 10_000, "'" * 100_001, "-" * 100_000, "#" * 1_000_000 + "\n" + "{" * 10,
    "name: 'a'" * 100_000, " \n" * 1_000_000 + "}", "\\" * 100_000, "a" * 1_000_000, "1" * 1_000_000,
])
def test_bombs_are_refused_at_once(text):
    with pytest.raises(FormatError):
        parse_prototxt(text)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_net_or_a_format_error(data):
    try:
        parse_prototxt(data)
    except FormatError:
        pass


# ---- against protobuf's own parser and real files --------------------------------------------------------------


def corpus(shared):
    with open(shared / "prototxts" / "manifest.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_corpus_is_read_as_protobuf_reads_it(shared):
    rows = corpus(shared)
    assert len(rows) == 106
    for row in rows:
        path = shared / "prototxts" / row["file"]
        expected = text_format.Parse(path.read_text(errors="replace"), ANY.NetParameter())
        assert read_prototxt(path) == expected, row["file"]


def test_corpus_and_the_strict_dialect(shared):
    for row in corpus(shared):
        path = shared / "prototxts" / row["file"]
        if row["parses_strictly_with_BVLC_proto"] == "yes":
            read_prototxt(path, dialect="bvlc")
        else:
            with pytest.raises(FormatError) as caught:
                read_prototxt(path, dialect="bvlc")
            said = row["parses_strictly_with_BVLC_proto"]
            assert caught.value.line == int(said.split()[1].split(":")[0]), (said, str(caught.value))


def test_corpus_is_written_so_that_it_reads_back(shared, tmp_path):
    for row in corpus(shared):
        net = read_prototxt(shared / "prototxts" / row["file"])
        write_prototxt(net, tmp_path / "net.prototxt")
        assert read_prototxt(tmp_path / "net.prototxt") == net, row["file"]


def test_golden_cases_are_accepted_and_refused_as_by_caffe(shared):
    cases = json.loads((shared / "golden" / "cases" / "cases.json").read_text())
    refused = 0
    for case in cases:
        path = shared / "golden" / "cases" / f"{case['name']}.prototxt"
        if "Error parsing text-format" not in (case.get("caffe_says") or ""):
            read_prototxt(path, dialect="bvlc")
            continue
        refused += 1
        with pytest.raises(FormatError) as caught:
            read_prototxt(path, dialect="bvlc")
        for word in case["must_name"]:
            assert word in str(caught.value), (case["name"], str(caught.value))
    assert (len(cases), refused) == (449, 13)


def test_models(shared):
    for path in sorted((shared / "models").glob("*/deploy.prototxt")):
        net = read_prototxt(path)
        assert len(net.layer) + len(net.layers) > 5


# ---- writing -------------------------------------------------------------------------------------------------

floats = st.floats(width=32, allow_nan=False)  # text has no sign of NaN


@given(floats, st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(2**63), 2**63 - 1), st.booleans())
@example(math.nan, "\0\n\\\"'", 0, True)
@settings(max_examples=200, deadline=None)
def test_values_survive_writing(number, text, integer, flag):
    net = ANY.NetParameter(name=text, force_backward=flag)
    net.layer.add().power_param.scale = number
    net.layer[0].blobs.add().data.extend([number, 1 / 3])
    net.input_shape.add().dim.append(integer)
    again = parse_prototxt(format_prototxt(net))
    assert again.SerializeToString() == net.SerializeToString()  # bit by bit: -0.0 is not 0.0


def test_writing_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "net.prototxt"
    write_prototxt(ANY.NetParameter(name="first"), path)
    with pytest.raises(AttributeError):
        write_prototxt("no message", path)
    assert read_prototxt(path).name == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["net.prototxt"]


def test_other_messages(tmp_path):
    path = tmp_path / "solver.prototxt"
    path.write_text("net: 'train_val.prototxt' base_lr: 0.01 solver_mode: CPU type: 'Adam' test_iter: 10")
    solver = read_prototxt(path, message="SolverParameter")
    assert (solver.net, solver.type, solver.solver_mode) == ("train_val.prototxt", "Adam", 0)
