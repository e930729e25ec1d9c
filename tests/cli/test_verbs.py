"""The command as a user meets it: results on stdout, one line and a status for whatever is wrong."""

import json

import numpy as np
import pytest

import scalpel_rt as srt
from scalpel_rt.cli import VERBS, main

from ..runtime.process import SETUP, python

NET = """name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 6 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    srt.load(tmp_path / "net.prototxt").save(caffemodel=tmp_path / "net.caffemodel")
    return [str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel")]


def test_every_verb_explains_itself_with_an_example(capsys):
    for verb in VERBS:
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        text = capsys.readouterr().out
        assert stop.value.code == 0 and f"scalpel-rt {verb}" in text.split("example", 1)[1], verb


def test_info_shows_layers_and_totals(files, capsys):
    assert main(["info", *files]) == 0
    out = capsys.readouterr().out
    assert "1x4x6x4" in out and "4x3x3x3 4" in out and "tiny: 5 layers, 597 parameters" in out


def test_a_net_that_comes_with_the_package_goes_by_its_name(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["info", "lenet5"]) == 0
    assert "LeNet-5" in capsys.readouterr().out
    assert main(["info", "lenet6"]) == 1
    assert "lenet6: No such file" in capsys.readouterr().err


def test_info_as_json_and_dot(files, capsys):
    assert main(["info", *files, "--json", "--shape", "2,3,8,6"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["inputs"] == {"data": [2, 3, 8, 6]} and numbers["parameters"] == 597
    assert numbers["multiply_adds"] == 2 * (4 * 24 * 27 + 5 * 96)
    assert main(["info", files[0], "--dot"]) == 0
    assert capsys.readouterr().out.startswith("digraph")


def test_info_shows_the_plan(files, capsys):
    assert main(["info", *files, "--plan", "--isa", "scalar", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert "conv+relu" in out and "__scalar" in out and "avx" not in out


def test_run_writes_what_forward_gives(files, tmp_path, capsys):
    x = np.random.default_rng(0).random((2, 3, 8, 6), np.float32)
    np.save(tmp_path / "x.npy", x)
    out = tmp_path / "y.npz"
    assert main(["run", *files, "--input", str(tmp_path / "x.npy"), "--blobs", "conv", "--output", str(out)]) == 0
    assert "2x5" in capsys.readouterr().out
    net = srt.load(*files)
    want = net.forward(data=x)
    with np.load(out) as held:
        assert sorted(held) == ["conv", "prob"]
        np.testing.assert_array_equal(held["prob"], want["prob"])
        np.testing.assert_array_equal(held["conv"], net.blobs["conv"].data)


@pytest.mark.parametrize(
    "arguments, says",
    [
        ([], "--input or --random"),
        (["--random", "--blobs", "nosuch"], "no blob nosuch"),
        (["--input", "wrong=x.npy"], "no input wrong"),
        (["--input", "absent.npy"], "absent.npy"),
        (["--random", "--shape", "1,2,8,6"], "conv"),
        (["--input", "net.prototxt"], "net.prototxt"),
    ],
)
def test_wrong_runs_say_what_is_wrong(files, tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((1, 3, 8, 6), np.float32))
    assert main(["run", *files, *arguments]) == 1
    captured = capsys.readouterr()
    assert says in captured.err and captured.err.count("\n") == 1 and "Traceback" not in captured.err


def test_wrong_files_and_arguments(files, capsys):
    assert main(["info", "/no/such.prototxt"]) == 1
    assert "/no/such.prototxt" in capsys.readouterr().err
    assert main(["info", files[1]]) == 1
    assert files[1] in capsys.readouterr().err
    assert main(["info", files[0], files[0]]) == 1
    assert files[0] in capsys.readouterr().err
    for bad in (["nosuchverb"], ["info"], ["info", files[0], "--shape", "a,b"]):
        with pytest.raises(SystemExit) as stop:
            main(bad)
        assert stop.value.code == 2


@pytest.mark.parametrize("arguments", [
    ["run", "x.prototxt", "-i", "x.npz", "-o"], ["train", "x.prototxt", "--data", "x.npz", "-o"],
    ["train", "x.prototxt", "--data", "x.npz", "-o", "y.caffemodel", "--log"], ["compare", "x.prototxt", "-o"],
    ["prune", "x.prototxt", "x.caffemodel", "simd", "-o"], ["fold", "x.prototxt", "x.caffemodel", "-o"],
    ["profile", "x.prototxt", "--roofline"], ["report", "x.json", "-o"],
], ids=lambda arguments: " ".join(arguments[::len(arguments) - 1]))
def test_where_nothing_can_be_written_is_said_before_anything_is_done(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.json").mkdir()
    for name, says in (("none/y.json", "there is no folder"), ("folder.json", "folder.json is a folder")):
        with pytest.raises(SystemExit) as caught:
            main([*arguments, name])
        assert caught.value.code == 2 and says in capsys.readouterr().err


def test_an_unknown_instruction_set_is_an_error(files, capsys):
    assert main(["run", *files, "--random", "--isa", "avx9"]) == 1
    assert "avx9" in capsys.readouterr().err


@pytest.fixture
def picture(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (the extra `image`)")
    path = tmp_path / "picture.png"
    image.fromarray(np.random.default_rng(1).integers(0, 256, (12, 10, 3), np.uint8)).save(path)
    return str(path)


def test_classify_ranks_classes_with_labels(files, picture, tmp_path, capsys):
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"thing {i}" for i in range(5)))
    arguments = ["classify", *files, picture, "--labels", str(labels), "--top", "3", "--mean", "104,117,123", "--bgr"]
    assert main([*arguments, "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)
    scores = [c["score"] for c in answer["classes"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert all(c["label"] == f"thing {c['class']}" for c in answer["classes"])
    assert main(arguments) == 0
    assert answer["classes"][0]["label"] in capsys.readouterr().out


def test_classify_feeds_what_it_says(files, picture, capsys):
    from scalpel_rt.imaging import load_image, resize

    pixels = resize(load_image(picture), (8, 6))[:, :, ::-1].transpose(2, 0, 1) * 255
    x = (pixels - np.array([104, 117, 123], np.float32)[:, None, None]) * np.float32(0.5)
    want = srt.load(*files).forward(data=x[None])["prob"][0]
    assert main(["classify", *files, picture, "--mean", "104,117,123", "--bgr", "--scale", "0.5", "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)
    for row in answer["classes"]:
        assert row["score"] == pytest.approx(want[row["class"]], rel=1e-5)


def test_what_is_no_number_is_null_in_json(files, picture, capsys):
    assert main(["classify", *files, picture, "--scale", "1e38", "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert {row["score"] for row in answer["classes"]} == {None}


def test_ten_crops_are_averaged(files, picture, capsys):
    assert main(["classify", *files, picture, "--resize", "10,8", "--crops", "10", "--json"]) == 0
    assert sum(c["score"] for c in json.loads(capsys.readouterr().out)[0]["classes"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--mean", "1,2"], "mean"),
        (["--resize", "2,2"], "crop"),
        (["--top", "0"], "--top"),
        (["--output-blob", "z"], "z"),
    ],
)
def test_wrong_classifications(files, picture, capsys, arguments, says):
    assert main(["classify", *files, picture, *arguments]) == 1
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("shape", [(), (2, 3, 8, 6), (8, 6), (0,), (3, 0, 6), (1, 1, 3, 8, 6)])
def test_arrays_that_are_no_mean(files, picture, tmp_path, capsys, shape):
    np.save(tmp_path / "mean.npy", np.zeros(shape, np.float32))
    assert main(["classify", *files, picture, "--mean", str(tmp_path / "mean.npy")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and ("mean" in error or "crop" in error)


def test_a_file_that_is_no_image(files, capsys):
    assert main(["classify", *files, files[0]]) == 1
    assert files[0] in capsys.readouterr().err


def test_squeezenet_names_the_cat(shared, capsys):
    """This net takes the kitten for a fox first, in any engine; the cats come right behind."""
    folder = shared / "models" / "squeezenet_v1.0_deepcompression"
    assert (
        main(
            [
                "classify",
                str(folder / "deploy.prototxt"),
                str(folder / "weights.caffemodel"),
                str(shared / "data/imagenet/cat.jpg"),
                "--resize",
                "256",
                "--mean",
                "104,117,123",
                "--bgr",
                "--json",
                "--labels",
                str(shared / "data/imagenet/synset_words.txt"),
            ]
        )
        == 0
    )
    [answer] = json.loads(capsys.readouterr().out)
    assert any("tabby" in c["label"] for c in answer["classes"])


def test_demo_reads_the_shipped_digits(capsys):
    assert main(["demo", "--show", "4"]) == 0
    out = capsys.readouterr().out
    assert "of 200 shipped digits right" in out and "ms for one image" in out


def test_kernels_lists_levels(capsys):
    assert main(["kernels", "--json"]) == 0
    held = json.loads(capsys.readouterr().out)
    assert {"isa": "scalar", "runs_here": True} == {k: held["levels"][0][k] for k in ("isa", "runs_here")}
    assert {k["isa"] for k in held["kernels"]} <= {x["isa"] for x in held["levels"]}
    assert main(["kernels"]) == 0
    assert "conv" in capsys.readouterr().out


@pytest.mark.parametrize("seconds", [0.05, 0.5], ids=["while it starts", "while it runs"])
def test_ctrl_c_ends_a_run_in_one_line(tmp_path, seconds):
    """In the middle of seconds of convolutions, at the latest."""
    layers = "".join(f'layer {{ name: "c{i}" type: "Convolution" bottom: "{i}" top: "{i + 1}" '
                     'convolution_param { num_output: 64 kernel_size: 3 pad: 1 } }' for i in range(40))
    (tmp_path / "long.prototxt").write_text('input: "0" input_shape { dim: 1 dim: 64 dim: 256 dim: 256 }' + layers)
    out = python(SETUP + f"""
    from scalpel_rt.cli import main
    signal_soon(signal.SIGINT, {seconds})
    sys.stderr = sys.stdout
    print(main(["run", {str(tmp_path / "long.prototxt")!r}, "--random", "--threads", "1", "--isa", "scalar"]))
    """)
    assert out == "scalpel-rt: stopped\n130\n"
