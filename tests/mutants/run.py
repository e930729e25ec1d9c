"""Plants each fault of faults.py in a copy of the tree, and sees whether the tests that should notice it do.

    python -m tests.mutants.run [--under TOOL] [--tree FOLDER] [--python COMMAND] [WORD ...]

Only faults whose names hold one of the words are planted. First all the tests are run without a fault, since tests that
fail anyway notice nothing. A fault is noticed when a test fails, or the process crashes or hangs; it is an error when
its text is not found exactly once, when the build fails, or when no test ran. Exit status 0 when all were noticed.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from .faults import FAULTS

ROOT = Path(__file__).parents[2]
HANGS = 900                             # seconds
NOTICED = "noticed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="plant only faults whose names hold one of these")
    parser.add_argument("--under", default="", help="the tool that the tree is built for")
    parser.add_argument("--tree", type=Path, default=ROOT / "build" / "mutants", help="where the copy is or goes")
    parser.add_argument("--python", default=sys.executable, help="the command that runs the tests")
    args = parser.parse_args()
    faults = [f for f in FAULTS if f.under == args.under and (not args.words or any(w in f.name for w in args.words))]
    if not faults:
        parser.error("no fault has such a name")
    tree = Tree(args.tree, shlex.split(args.python))
    tree.update()
    for tests in sorted({fault.tests for fault in faults}):
        code, _, said = tree.test(tests)
        if code:
            print(said, f"\nwithout a fault these tests fail: {tests}")
            return 2
    print(f"without a fault all tests pass; {len(faults)} faults:", flush=True)
    missed = sum([tree.judge(fault) != NOTICED for fault in faults])
    tree.build()                        # the last fault is out of the source, and now out of what was built, too
    return min(missed, 1)


class Tree:
    """The copy that faults are planted in."""

    def __init__(self, folder, python):
        self.folder, self.python = folder, python

    def update(self):
        """Bring the copy up to date, and build it. Files that are the same keep their time, so that little is built."""
        names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                               capture_output=True, check=True, text=True)
        for name in filter(None, names.stdout.split("\0")):
            source, target = ROOT / name, self.folder / name
            if not source.exists():
                target.unlink(missing_ok=True)
            elif not target.exists() or source.read_bytes() != target.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
        built = self.build()
        if built.returncode:
            raise SystemExit(f"the tree does not build:\n{built.stderr}")

    def build(self):
        return subprocess.run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=self.folder,
                              capture_output=True, text=True)

    def test(self, tests):
        """(exit status, seconds, what pytest printed); a hang has the status -9."""
        begin = time.monotonic()
        command = [*self.python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *shlex.split(tests)]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SCALPEL_TUNE": "0"}
        try:
            done = subprocess.run(command, cwd=self.folder, env=environment, timeout=HANGS, capture_output=True,
                                  text=True)
        except subprocess.TimeoutExpired:
            return -9, HANGS, "it hangs"
        return done.returncode, time.monotonic() - begin, done.stdout + done.stderr

    def judge(self, fault):
        """Plant one fault, and say what became of it."""
        file = self.folder / fault.file
        good = file.read_text()
        if good.count(fault.old) != 1:
            verdict, seconds, said = f"ERROR: its text stands {good.count(fault.old)} times in {fault.file}", 0, ""
        else:
            try:
                file.write_text(good.replace(fault.old, fault.new))
                built = self.build()    # also for one in Python: the fault before it may have been built in
                if built.returncode:
                    verdict, seconds, said = "ERROR: it does not build", 0, built.stderr
                else:
                    code, seconds, said = self.test(fault.tests)
                    said += f"\nexit status {code}"
                    verdict = {0: "SURVIVED"}.get(code, NOTICED if code < 0 or code in (1, 66) or code > 128 else
                                                  f"ERROR: pytest ended with {code}")
            finally:
                file.write_text(good)
        by = re.search(r"^(?:FAILED )?(tests/\S+::\S+|exit status \S+)", said, re.MULTILINE)
        by = by[1] if by else ""
        print(f"{verdict:<10} {fault.name:<62} {seconds:6.1f} s  {by}", flush=True)
        if verdict.startswith("ERROR"):
            print(said)
        return verdict


if __name__ == "__main__":
    sys.exit(main())
