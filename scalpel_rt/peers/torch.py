"""PyTorch in eager mode under inference_mode: oneDNN's convolutions, MKL's products."""

from . import lacks


def missing():
    return lacks("torch")


def prepare(net, threads):
    import torch

    from scalpel_rt.train.to_torch import TorchNet

    torch.set_num_threads(threads)
    module, name, output = TorchNet(net.graph).eval(), net.inputs[0], net.outputs[0]

    def run(x):
        with torch.inference_mode():
            return module({name: torch.from_numpy(x)})[output].numpy()

    return run
