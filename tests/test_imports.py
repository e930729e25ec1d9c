"""Imports are a one-way street: a package knows only those before it, and the packages beside the street."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "scalpel_rt"

# In the order of the street. plan.spec is the language that passes and plans are written in, plan.verify its grammar.
# Plans are run by what `runtime` binds, so `plan` comes last: it puts all the others together.
STREET = ["caffe", "layers", "graph", "runtime", "plan.spec", "plan.verify", "passes", "plan"]
# runtime._kernels binds the table of kernels and knows no other module: isa and options are its readers.
FOR_ALL = {"errors", "files", "notebook", "options", "isa", "sparse", "runtime._kernels", "__version__"}


def imports(path):
    """[(line, dotted name inside scalpel_rt)] of everything that a file imports from the package."""
    package = path.relative_to(ROOT).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name.split(".")[1:]) for alias in node.names
                      if alias.name.split(".")[0] == "scalpel_rt"]
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            if node.level:
                module = [*package[:len(package) - node.level + 1], *module]
            elif module[:1] == ["scalpel_rt"]:
                module = module[1:]
            else:
                continue
            found += [(node.lineno, module + [alias.name]) for alias in node.names]
    return found


def part(name):
    """The stretch of street (or the package beside it) that a dotted name, as a list, lies on."""
    two = ".".join(name[:2])
    if two in STREET or two in FOR_ALL:
        return two
    return name[0] if name else "front"     # `import scalpel_rt`: everything at once


def allowed(importer, imported):
    """Whether one part may import from another."""
    if imported == importer or imported in FOR_ALL:
        return True
    if importer in FOR_ALL:
        return False
    if importer in STREET:
        return imported in STREET[:STREET.index(importer)]
    return True


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_way(path):
    here = part(path.relative_to(ROOT).with_suffix("").parts)
    if here == "__init__":
        return      # the front of the house: it may show anything
    wrong = [f"line {line}: {'.'.join(name)}" for line, name in imports(path) if not allowed(here, part(name))]
    assert not wrong, f"{here} may not import {', '.join(wrong)}"


def test_the_check_can_say_no():
    assert not allowed("caffe", "layers") and not allowed("graph", "cli") and not allowed("errors", "graph")
    assert not allowed("runtime", "plan") and not allowed("plan", "net") and not allowed("passes", "plan")
    assert allowed("graph", "caffe") and allowed("cli", "runtime") and allowed("net", "plan")
    assert part(["plan", "spec", "Op"]) == "plan.spec" and part(["plan", "build"]) == "plan" and part(["net"]) == "net"
    assert not allowed("graph", part([])) and allowed("cli", part([]))
    assert len(FILES) > 50


def test_importing_the_package_is_cheap():
    code = ("import sys, scalpel_rt; scalpel_rt.Limits; "
            "sys.exit(any(name in sys.modules for name in ('google.protobuf', 'h5py', 'scipy', 'torch')))")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_public_names():
    import scalpel_rt

    for name in scalpel_rt.__all__:
        assert getattr(scalpel_rt, name) is not None
        assert name in dir(scalpel_rt)
    with pytest.raises(AttributeError, match="'Nett'"):
        scalpel_rt.Nett  # noqa: B018
