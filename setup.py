"""Builds the C kernels, one object file each with the flags of its instruction set, links them into the runtime, and
compiles the descriptions of Caffe's messages."""

import os
import platform
import runpy
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
X86 = platform.machine().lower() in ("x86_64", "amd64")

# Flags for each folder of src_c/kernels. The scalar files are the reference: the compiler must not vectorise them.
ISA_FLAGS = {
    "scalar": ["-fno-tree-vectorize", "-fno-tree-slp-vectorize"],
    "sse41": ["-msse4.1"],
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avx512": ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mavx2", "-mfma", "-mprefer-vector-width=512"],
}
ISAS = list(ISA_FLAGS) if X86 else ["scalar"]

C_FLAGS = ["-O3", "-std=c11", "-ffp-contract=off", "-fvisibility=hidden", "-fno-math-errno"]
C_FLAGS += [f"-DSCL_HAVE_{isa.upper()}=1" for isa in ISAS]
if os.environ.get("SCALPEL_WERROR"):
    C_FLAGS += ["-Wall", "-Wextra", "-Werror"]
EXTRA = os.environ.get("SCALPEL_CFLAGS", "").split()  # sanitizers and the like, for compiling and linking

EXTENSIONS = ["_kernels"]


class BuildExt(build_ext):
    """build_ext has no flags per source file, so the C files are compiled here and linked as objects."""

    def build_extensions(self):
        objects = self.compiler.object_filenames([], output_dir=self.build_temp)
        for folder, flags in [("core", []), *((f"kernels/{isa}", ISA_FLAGS[isa]) for isa in ISAS)]:
            sources = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "src_c" / folder).glob("*.c"))
            objects += self.compiler.compile(sources, output_dir=self.build_temp, include_dirs=["src_c/include"],
                                             extra_postargs=C_FLAGS + flags + EXTRA, depends=HEADERS)
        for extension in self.extensions:
            extension.extra_objects = objects
        super().build_extensions()


HEADERS = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "src_c").glob("**/*.[hd]*"))

runpy.run_path(str(ROOT / "proto" / "compile.py"))["compile_protos"]()

setup(
    ext_modules=cythonize(
        [Extension(f"scalpel_rt.runtime.{name}", [f"scalpel_rt/runtime/{name}.pyx"], include_dirs=["src_c/include"],
                   depends=HEADERS, extra_compile_args=["-O2", "-fvisibility=hidden", *EXTRA], extra_link_args=EXTRA,
                   libraries=["m"])
         for name in EXTENSIONS],
        compiler_directives={"language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True,
                             "binding": True, "embedsignature": False},
    ),
    cmdclass={"build_ext": BuildExt},
)
