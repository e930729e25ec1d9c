/* What this build holds, what this machine can run, and what its caches are. */
#ifndef SCL_CPU_H
#define SCL_CPU_H

#include <stdint.h>

/* Instruction-set levels, each with all of those before it: the folders of src_c/kernels. */
enum scl_isa {
    SCL_ISA_SCALAR,
    SCL_ISA_SSE41,                  /* SSSE3, SSE4.1 */
    SCL_ISA_AVX2,                   /* AVX2, FMA, F16C */
    SCL_ISA_AVX512,                 /* AVX-512 F VL BW DQ */
    SCL_ISA_COUNT
};

typedef struct {
    char vendor[13], brand[49];     /* as CPUID gives them; "" where there is no CPUID */
    int family, model, stepping;
    int level;                      /* highest enum scl_isa that processor and system run */
    int64_t l1d, l2, l3;            /* bytes of the data caches that one core sees; 0 = unknown or none */
} scl_cpu;

extern const char *const scl_isa_names[SCL_ISA_COUNT];
extern const int scl_isa_built[SCL_ISA_COUNT];  /* 1 where this build holds the level */

/* Ask the processor. Costs some microseconds (CPUID leaves a virtual machine): the caller keeps the answer. */
void scl_cpu_read(scl_cpu *cpu);

#endif
