"""python -m fuzz TARGET [--seconds N] [INPUT ...]: run a target, or see what it does with some inputs."""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

import atheris

TARGETS = ("prototxt", "caffemodel", "hdf5", "safetensors", "images", "arrays", "programs", "matrices")
FOLDER = Path(__file__).resolve().parents[1] / "build" / "fuzz"


def main():
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("inputs", nargs="*", type=Path)
    args = parser.parse_args()
    with atheris.instrument_imports(include=["scalpel_rt"]):
        target = importlib.import_module(f".{args.target}", __package__)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        def once(data):
            target.once(data, Path(scratch))

        if args.inputs:
            for path in args.inputs:
                once(path.read_bytes())
            return
        corpus, findings = FOLDER / "corpus" / args.target, FOLDER / "findings"
        corpus.mkdir(parents=True, exist_ok=True)
        findings.mkdir(parents=True, exist_ok=True)
        for i, seed in enumerate(target.seeds()):
            (corpus / f"seed-{i}").write_bytes(seed)
        options = [f"-max_total_time={args.seconds}", f"-seed={args.seed}", "-timeout=60", "-rss_limit_mb=2048",
                   "-max_len=65536", "-len_control=0", "-print_final_stats=1", "-verbosity=1",
                   f"-artifact_prefix={findings}/{args.target}-"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], once, custom_mutator=getattr(target, "mutate", None))
        atheris.Fuzz()


main()
