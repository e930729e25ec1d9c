"""A real SSD, OpenCV's face detector, on photographs: the boxes are those that OpenCV itself finds with it."""

import numpy as np
import pytest

import scalpel_rt as srt

Image = pytest.importorskip("PIL.Image")

#: [confidence, xmin, ymin, xmax, ymax] of the detections above a half, and how many rows there are in all
FACES = {
    "1.jpg": (156, []),
    "11.jpg": (126, [[0.6048, 0.8712, 0.3697, 0.9299, 0.4592], [0.5074, 0.6105, 0.3818, 0.6576, 0.4716]]),
    "2.jpg": (98, [[0.9998, 0.2944, 0.1954, 0.3964, 0.4843], [0.9984, 0.7024, 0.2620, 0.8101, 0.5807],
                   [0.9957, 0.1259, 0.2246, 0.2221, 0.5105], [0.9534, 0.5304, 0.1596, 0.6357, 0.4559]]),
    "5.jpg": (164, [[0.9999, 0.4870, 0.1488, 0.6603, 0.4522]]),
    "8.jpg": (173, []),
}


@pytest.fixture(scope="module")
def net(shared):
    folder = shared / "models" / "res10_ssd_face"
    return srt.load(folder / "deploy.prototxt", folder / "weights.caffemodel")


@pytest.mark.parametrize("name", FACES)
def test_faces_are_found(net, shared, name):
    image = Image.open(shared / "data" / "faces" / name).convert("RGB").resize((300, 300), Image.Resampling.BILINEAR)
    x = np.asarray(image, np.float32)[:, :, ::-1] - [104, 177, 123]
    rows = net.forward(data=x.transpose(2, 0, 1)[None])["detection_out"]
    count, faces = FACES[name]
    assert rows.shape[:2] == (1, 1) and abs(rows.shape[2] - count) <= 2        # a rounding may decide over a faint one
    assert (rows[0, 0, :, :2] == [0, 1]).all()
    found = rows[0, 0, rows[0, 0, :, 2] > 0.5, 2:]
    np.testing.assert_allclose(found, np.reshape(faces, (-1, 5)), atol=2e-3)
