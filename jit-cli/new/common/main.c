// Adds up the numbers below 100 million, interpreted and compiled.
#include <time.h>

#include "vm.h"

static double seconds(clock_t since)
{
    return (double)(clock() - since) / CLOCKS_PER_SEC;
}

int main(void)
{
    enum { SUM, I, LIMIT, ONE };
    static const line program[] = {
        {JIT_OP_op_set, SUM, 0, 0, 0},
        {JIT_OP_op_set, I, 0, 0, 0},
        {JIT_OP_op_set, LIMIT, 0, 100000000, 0},
        {JIT_OP_op_set, ONE, 0, 1, 0},
        {JIT_OP_op_add, SUM, I, 0, 0},               // line 4: sum += i
        {JIT_OP_op_add, I, ONE, 0, 0},               // i += 1
        {JIT_OP_op_jump_if_less, I, LIMIT, 0, 4},    // if (i < limit) goto line 4
        {JIT_OP_op_print, SUM, 0, 0, 0},
        {JIT_OP_op_return, SUM, 0, 0, 0},
    };
    struct machine m = {{0}};
    clock_t start = clock();
    int64_t expected = interpret(program, &m);
    printf("interpreted in %.2f s\n", seconds(start));

    jit_code code;
    int64_t result;
    start = clock();
    if (!compile(&code, program, sizeof program / sizeof *program) || !run(&code, &m, &result)) {
        return 1;
    }
    printf("compiled and run in %.2f s\n", seconds(start));
    jit_release(&code);
    return result == expected ? 0 : 1;
}
