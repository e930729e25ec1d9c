"""OpenCV's dnn module (4.x), which reads Caffe's files itself."""

import tempfile
from pathlib import Path

from . import lacks


def missing():
    return lacks("cv2")


def prepare(net, threads):
    import cv2

    cv2.setNumThreads(threads)
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("net.prototxt", "net.caffemodel")]
        net.save(*files)
        other = cv2.dnn.readNetFromCaffe(*files)
    other.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    name = net.inputs[0]

    def run(x):
        other.setInput(x, name)
        return other.forward()

    return run
