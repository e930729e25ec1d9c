"""Results whose derived numbers can be worked out in the head."""

from dataclasses import replace

from scalpel_rt.report.results import About, Entry, Layer, Left, Machine, Results, Times

MACHINE = Machine("Test CPU", "avx2", 2, {"1": 100.0, "2": 200.0},
                  {"L2": {"1": 80.0, "2": 160.0}, "DRAM": {"1": 10.0, "2": 15.0}}, {"L1": 1 << 15, "L2": 1 << 20})


def times(median):
    return Times(median, 0.9 * median, 1.2 * median, 11)


def layer(name, seconds, kind="conv", zeros=0.0, size=1000):
    nbytes = round(4 * size * (1 - zeros) * (1.5 if zeros else 1))
    return Layer(name, kind, "scl_conv", size, zeros, nbytes, nbytes + 400, round(100 * size * (1 - zeros)),
                 times(seconds))


def entry(method="dense", seconds=1e-3, sparsity=None, net="n", **more):
    zeros = sparsity or 0.0
    layers = [layer("c1+r1", 0.25 * seconds, zeros=zeros), layer("ip", 0.75 * seconds, "fc", zeros, 2000)]
    made = Entry(net, method, True, sparsity, 1, 1, times(seconds), 3000, zeros, sum(x.bytes for x in layers), 12000,
                 sum(x.traffic for x in layers), sum(x.multiply_adds for x in layers), 1e-7, None, layers)
    return replace(made, **more)


def results():
    entries = [entry(), entry("csr", 2e-3, 0.5), entry("csr", 0.5e-3, 0.9), entry("simd", 0.8e-3, 0.5),
               entry("simd", 0.2e-3, 0.9), entry("opencv", 1.5e-3, ours=False, layers=[], traffic=None)]
    about = About("2026-01-02T03:04:05+00:00", "scalpel-rt compare n", "abc", {"numpy": "2"}, {"input": 0},
                  {"methods": ["dense", "csr"], "tune": True, "isa": None}, MACHINE)
    return Results(about, entries, [Left("ncnn", "not installed")], [Left("mnn, 1 thread", "wrong by 0.5")],
                   ["A note."])
