"""The machine code that was built: what runs everywhere holds no instruction that an old processor does not know.

The loaded extensions are disassembled, and each instruction is laid to the C file that it comes from.
"""

import os
import platform
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from scalpel_rt import isa
from scalpel_rt.runtime import _kernels, _plan

SOURCES = Path(__file__).parents[2] / "src_c"
BASELINE = "baseline"

#: Instructions that came after SSE2, by the set that brought them; VEX and EVEX are told by their names and registers.
LATER = {
    "sse3": "addsubp[sd]|hadd(p[sd])|hsub(p[sd])|lddqu|mov(d|sh|sl)dup",
    "ssse3": "pabs[bwd]|palignr|ph(add|sub)(w|d|sw)|pmaddubsw|pmulhrsw|pshufb|psign[bwd]",
    "sse41": "blendv?p[sd]|dpp[sd]|extractps|insertps|movntdqa|mpsadbw|packusdw|pblend(vb|w)|pcmpeqq|pextr[bdq]|"
             "phminposuw|pinsr[bdq]|pm(ax|in)(sb|sd|ud|uw)|pmov[sz]x(bw|bd|bq|wd|wq|dq)|pmuldq|pmulld|ptest|round[ps][sd]",
    "sse42": "crc32[bwlq]?|pcmp[ei]str[im]|pcmpgtq|popcnt[wlq]?",
    "later": "aes.*|pclmul.*|sha(1|256).*|lzcnt[wlq]?|movbe[wlq]?|xsave.*|xrstor.*|rd(rand|seed).*|"
             "andn[lq]?|bextr[lq]?|bls(i|r|msk)[lq]?|bzhi[lq]?|mulx[lq]?|p(dep|ext)[lq]?|rorx[lq]?|s(ar|hl|hr)x[lq]?|ad[co]x[lq]?",
}
LATER = {name: re.compile(f"(?:{pattern})$") for name, pattern in LATER.items()}
VECTOR_EXTENSION = re.compile(r"v(?!err|erw|m(call|launch|resume|read|write|ptr|xoff|xon|clear|func|run|save|load))")
WIDE_512 = re.compile(r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])\b|%k[0-7]\b|\{%k")


def instruction_set(mnemonic, operands):
    """The set that an instruction belongs to: one of LATER, "avx", "avx512", or None for what every x86-64 knows."""
    if WIDE_512.search(operands):
        return "avx512"
    if VECTOR_EXTENSION.match(mnemonic) or "%ymm" in operands:
        return "avx"
    return next((name for name, known in LATER.items() if known.match(mnemonic)), None)


def tool(*command):
    """What a program of binutils prints; a skip without it, in CI a failure."""
    if shutil.which(command[0]) is None:
        reason = f"no {command[0]} here (binutils), so the machine code was not looked at"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def owners(library):
    """{address: (C file or None, symbol)} of the functions of a library, from its table of symbols."""
    found, file, local = {}, None, False
    for line in tool("readelf", "--wide", "--symbols", library).splitlines():
        local |= "'.symtab'" in line                    # what comes before is .dynsym, which tells no files
        words = line.split()
        if not local or len(words) < 7 or not words[0].endswith(":"):
            continue
        if words[3] == "FILE":
            file = words[7] if len(words) > 7 else None  # without a name: what was global in its file
        elif words[3] == "FUNC" and words[6] != "UND":
            found[int(words[1], 16)] = (file if words[4] == "LOCAL" else None, words[7])
    assert local, f"{library} was stripped of its symbols, so nothing can be said of it"
    return found


def level_of(file, symbol):
    """The level whose flags a function was compiled with."""
    for level in isa.LEVELS[1:]:
        if symbol.endswith(f"__{level}") or (file or "").endswith(f"_{level}.c"):
            return level
    return BASELINE


@pytest.fixture(scope="module")
def found():
    """({level: Counter of instruction sets}, {symbol: instructions}, {(level, set): an example}) of both extensions."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("these levels are of x86 alone")
    sets, symbols, examples = defaultdict(Counter), Counter(), {}
    for module in (_kernels, _plan):
        who = owners(module.__file__)
        level, symbol = BASELINE, "start-up code"
        for line in tool("objdump", "-d", "--no-show-raw-insn", module.__file__).splitlines():
            if line.endswith(">:"):
                file, symbol = who.get(int(line.split()[0], 16), (None, line.split("<")[1][:-2]))
                level = level_of(file, symbol)
            elif "\t" in line:
                mnemonic, _, operands = line.split("\t", 1)[1].partition(" ")
                name = instruction_set(mnemonic.strip(), operands)
                sets[level][name] += 1
                symbols[symbol] += 1
                examples.setdefault((level, name), f"{symbol}: {line.strip()}")
    return sets, symbols, examples


def test_every_kernel_and_the_core_are_found(found):
    _, symbols, _ = found
    missing = [kernel.symbol for kernel in _kernels.kernels() if not symbols[kernel.symbol]]
    assert not missing and len(_kernels.kernels()) > 100
    for name in ("scl_run", "scl_pool_run", "scl_pool_enter", "scl_alloc", "scl_cpu_read"):
        assert symbols[name], name


def test_every_file_of_kernels_holds_a_listed_kernel():
    """No file escapes the look at the listed ones."""
    listed = {(kernel.isa, f"{kernel.kind}_{kernel.form}_{kernel.isa}") for kernel in _kernels.kernels()}
    files = {(level, path.stem) for level in isa.built_in() for path in SOURCES.glob(f"kernels/{level}/*.c")}
    assert files == listed


#: What the code of a level may hold beside the instructions that every x86-64 knows.
ALLOWED = {
    BASELINE: set(),
    "sse41": {"sse3", "ssse3", "sse41"},
    "avx2": {"sse3", "ssse3", "sse41", "sse42", "avx", "later"},
}


@pytest.mark.parametrize("level", ALLOWED)
def test_no_level_holds_instructions_of_a_later_one(found, level):
    sets, _, examples = found
    if level not in (BASELINE, *isa.built_in()):
        pytest.skip(f"this build has no {level}")
    assert sets[level][None] > 1000
    strangers = set(sets[level]) - ALLOWED[level] - {None}
    assert not strangers, [examples[level, name] for name in strangers]


def test_instructions_of_every_set_would_be_seen(found):
    """Each level does hold its own, so the eyes that find none elsewhere are open."""
    sets, _, _ = found
    for level, own in (("sse41", "sse41"), ("avx2", "avx"), ("avx512", "avx512")):
        if level in isa.built_in():
            assert sets[level][own] > 100, level
    assert [instruction_set(*line) for line in (
        ("vaddps", "%xmm0,%xmm1,%xmm2"), ("vaddps", "%zmm0,%zmm1,%zmm2"), ("kmovw", "%eax,%k1"),
        ("pshufb", "%xmm0,%xmm1"), ("shlx", "%eax,%ebx,%ecx"), ("popcnt", "%rax,%rbx"), ("haddps", "%xmm0,%xmm1"),
        ("roundps", "$1,%xmm0,%xmm1"), ("addps", "%xmm0,%xmm1"), ("verr", "%ax"), ("bsf", "%eax,%ecx"),
        ("prefetcht0", "(%rax)"),
    )] == ["avx", "avx512", "avx512", "ssse3", "later", "sse42", "sse3", "sse41", None, None, None, None]
