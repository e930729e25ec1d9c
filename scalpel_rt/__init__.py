"""scalpel_rt: run Caffe models without Caffe, pruned for the hardware they run on."""

__version__ = "0.1.0"
