/* Put in front of each file of llama.cpp by repoagent/llm/native.py.
 *
 * GCC 12 tells its optimiser that _tile_loadconfig reads eight bytes of the 64 that it reads: the others are dropped as
 * dead, and the processor refuses the configuration (a segmentation fault at the first matrix). This one reads all. */
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
struct repoagent_tile_config { char bytes[64]; };
#undef _tile_loadconfig
#define _tile_loadconfig(config) \
    __asm__ volatile("ldtilecfg\t%0" ::"m"(*(const struct repoagent_tile_config *) (config)) : "memory")
#endif
