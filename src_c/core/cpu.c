#include "scl_cpu.h"

#include <string.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#define SCL_X86 1
#include <cpuid.h>
#endif

const char *const scl_isa_names[SCL_ISA_COUNT] = {"scalar", "sse41", "avx2", "avx512"};

const int scl_isa_built[SCL_ISA_COUNT] = {
    1,
#ifdef SCL_HAVE_SSE41
    [SCL_ISA_SSE41] = 1,
#endif
#ifdef SCL_HAVE_AVX2
    [SCL_ISA_AVX2] = 1,
#endif
#ifdef SCL_HAVE_AVX512
    [SCL_ISA_AVX512] = 1,
#endif
};

#ifdef SCL_X86

typedef struct {
    unsigned a, b, c, d;
} regs;

static regs cpuid(unsigned leaf, unsigned sub)
{
    regs r = {0, 0, 0, 0};
    unsigned most = __get_cpuid_max(leaf & 0x80000000u, NULL);
    if (most >= leaf)
        __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
    return r;
}

/* The register states that the operating system saves (XCR0); without OSXSAVE it saves none that matter here. */
static uint64_t saved_state(void)
{
    unsigned low, high;
    if (!(cpuid(1, 0).c & bit_OSXSAVE))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static int has(unsigned reg, unsigned bits)
{
    return (reg & bits) == bits;
}

static int level(void)
{
#ifdef SCL_EMULATED  /* AVX-512 by tests/emulated */
    return SCL_ISA_AVX512;
#endif
    enum { YMM = 0x06, ZMM = 0xe6 };  /* bits of XCR0 */
    const regs one = cpuid(1, 0), seven = cpuid(7, 0);
    const uint64_t saved = saved_state();
    if (!has(one.c, bit_SSSE3 | bit_SSE4_1))
        return SCL_ISA_SCALAR;
    if (!has(one.c, bit_AVX | bit_FMA | bit_F16C) || !has(seven.b, bit_AVX2) || (saved & YMM) != YMM)
        return SCL_ISA_SSE41;
    if (!has(seven.b, bit_AVX512F | bit_AVX512VL | bit_AVX512BW | bit_AVX512DQ) || (saved & ZMM) != ZMM)
        return SCL_ISA_AVX2;
    return SCL_ISA_AVX512;
}

/* Leaf 4 (Intel) and 0x8000001d (AMD) have the same form: one cache for each sub-leaf. */
static void read_caches(scl_cpu *cpu)
{
    const unsigned leaf = strcmp(cpu->vendor, "AuthenticAMD") && strcmp(cpu->vendor, "HygonGenuine") ? 4 : 0x8000001d;
    for (unsigned sub = 0; sub < 16; sub++) {
        const regs r = cpuid(leaf, sub);
        const unsigned type = r.a & 31, depth = r.a >> 5 & 7;
        if (type == 0)
            break;
        const int64_t bytes = (int64_t)((r.b >> 22) + 1) * ((r.b >> 12 & 1023) + 1) * ((r.b & 4095) + 1) * ((int64_t)r.c + 1);
        if (depth == 1 && type != 2)  /* 2: instructions */
            cpu->l1d = bytes;
        else if (depth == 2)
            cpu->l2 = bytes;
        else if (depth == 3)
            cpu->l3 = bytes;
    }
}

static void read_names(scl_cpu *cpu)
{
    const regs zero = cpuid(0, 0), one = cpuid(1, 0);
    const unsigned vendor[3] = {zero.b, zero.d, zero.c};
    memcpy(cpu->vendor, vendor, sizeof vendor);
    for (unsigned i = 0; i < 3; i++) {
        const regs r = cpuid(0x80000002u + i, 0);
        memcpy(cpu->brand + 16 * i, &r, sizeof r);
    }
    cpu->family = one.a >> 8 & 15;
    cpu->model = one.a >> 4 & 15;
    cpu->stepping = one.a & 15;
    if (cpu->family == 15 || cpu->family == 6)
        cpu->model |= one.a >> 12 & 0xf0;
    if (cpu->family == 15)
        cpu->family += one.a >> 20 & 255;
}

#endif

void scl_cpu_read(scl_cpu *cpu)
{
    memset(cpu, 0, sizeof *cpu);
#ifdef SCL_X86
    read_names(cpu);
    read_caches(cpu);
    cpu->level = level();
#elif defined(_SC_LEVEL1_DCACHE_SIZE)
    const long l1d = sysconf(_SC_LEVEL1_DCACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE), l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    cpu->l1d = l1d > 0 ? l1d : 0;
    cpu->l2 = l2 > 0 ? l2 : 0;
    cpu->l3 = l3 > 0 ? l3 : 0;
#endif
}
