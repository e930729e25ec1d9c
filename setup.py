"""Builds the C kernels, one object file each with the flags of its instruction set, links them into the runtime, and
compiles the descriptions of Caffe's messages.

Environment: SCALPEL_WERROR=1 makes warnings of our own C errors; SCALPEL_CFLAGS adds flags for compiling and linking
(sanitizers and the like); SCALPEL_ISAS="sse41 avx2" builds only these of the instruction sets, and the scalar one;
MAX_JOBS limits the compilers at work at once.
"""

import functools
import hashlib
import os
import platform
import re
import runpy
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.modified import newer_group

ROOT = Path(__file__).resolve().parent
X86 = platform.machine().lower() in ("x86_64", "amd64")

# Flags for each folder of src_c/kernels. The scalar files are the reference: the compiler must not vectorise them.
ISA_FLAGS = {
    "scalar": ["-fno-tree-vectorize", "-fno-tree-slp-vectorize"],
    "sse41": ["-msse4.1"],
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avx512": ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mavx2", "-mfma", "-mprefer-vector-width=512"],
}
WANTED = (os.environ.get("SCALPEL_ISAS") or " ".join(ISA_FLAGS)).split()
if unknown := set(WANTED) - set(ISA_FLAGS):
    raise SystemExit(f"SCALPEL_ISAS: no such instruction set: {', '.join(sorted(unknown))}")
ISAS = [isa for isa in ISA_FLAGS if isa == "scalar" or X86 and isa in WANTED]

C_FLAGS = ["-O3", "-g0", "-std=c11", "-ffp-contract=off", "-fvisibility=hidden", "-fno-math-errno", "-pthread"]
C_FLAGS += [f"-DSCL_HAVE_{isa.upper()}=1" for isa in ISAS]
if os.environ.get("SCALPEL_WERROR"):
    C_FLAGS += ["-Wall", "-Wextra", "-Werror"]
EXTRA = os.environ.get("SCALPEL_CFLAGS", "").split()
HEADERS = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "src_c/include").iterdir())

EXTENSIONS = ["_kernels", "_plan"]
C_LIBRARY = "_kernels"  # the one extension that holds the objects of src_c; the others reach them through its .pxd


@functools.cache
def included(file):
    """Every file of our own that a C file includes, and that those include."""
    found = set()
    for name in re.findall(r'^\s*#\s*include "(.+)"', file.read_text(), re.MULTILINE):
        beside = (file.parent / name).resolve()
        path = beside if beside.exists() else ROOT / "src_c/include" / name
        found |= {path} | included(path)
    return frozenset(found)


class BuildExt(build_ext):
    """build_ext has no flags per source file, so the C files are compiled here and linked as objects."""

    def run(self):
        if self.inplace:
            compile_protos()
        super().run()

    def build_extensions(self):
        groups = [("core", []), *((f"kernels/{isa}", ISA_FLAGS[isa]) for isa in ISAS)]
        with ThreadPoolExecutor(int(os.environ.get("MAX_JOBS") or os.cpu_count() or 1)) as pool:
            objects = [made for folder, flags in groups for made in self.compile_folder(pool, folder, flags)]
            objects = [job.result() for job in objects]
        for extension in self.extensions:
            if extension.name.endswith(C_LIBRARY):
                extension.extra_objects = objects
                extension.depends = extension.depends + objects
        super().build_extensions()

    def compile_folder(self, pool, folder, flags):
        """A job for each C file of a folder of src_c; each gives the path of the object."""
        flags = C_FLAGS + flags + EXTRA
        # Other flags, another folder: a sanitizer build never meets the objects of a plain one.
        build = os.path.join(self.build_temp, hashlib.sha256(" ".join(flags).encode()).hexdigest()[:12])
        for source in sorted((ROOT / "src_c" / folder).glob("*.c")):
            yield pool.submit(self.compile_file, str(source.relative_to(ROOT)), build, flags)

    def compile_file(self, source, build, flags):
        [target] = self.compiler.object_filenames([source], output_dir=build)
        if self.force or newer_group([source, *map(str, included(ROOT / source))], target):
            self.compiler.compile([source], output_dir=build, include_dirs=["src_c/include"], extra_postargs=flags)
        return target


class BuildPy(build_py):
    """Makes the descriptors of the Caffe messages, and puts the nets that come along into the package."""

    def run(self):
        compile_protos()
        super().run()
        if not self.editable_mode:  # beside the code in a checkout, inside it when installed
            shutil.copytree(ROOT / "models", Path(self.build_lib) / "scalpel_rt" / "models", dirs_exist_ok=True)


def compile_protos():
    runpy.run_path(str(ROOT / "proto" / "compile.py"))["compile_protos"]()


def extension(name):
    return Extension(f"scalpel_rt.runtime.{name}", [f"scalpel_rt/runtime/{name}.pyx"], include_dirs=["src_c/include"],
                     depends=HEADERS, extra_compile_args=["-O2", "-g0", "-fvisibility=hidden", *EXTRA],
                     extra_link_args=["-pthread", *EXTRA], libraries=["m"])


setup(
    ext_modules=cythonize(
        [extension(name) for name in EXTENSIONS],
        compiler_directives={"language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True,
                             "binding": True, "embedsignature": False},
    ),
    cmdclass={"build_ext": BuildExt, "build_py": BuildPy},
)
