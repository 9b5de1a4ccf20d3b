// Runs random programs, and compares what compiled code does with what the interpreter does.
#include "vm.h"

enum { PROGRAMS = 10000, LINES = 24 };

static uint64_t random_number(uint64_t *state)
{
    // xorshift64
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Makes a program that ends: it jumps only forward.
static void random_program(line *program, uint64_t *seed)
{
    static const uint32_t ops[] = {
        JIT_OP_op_set, JIT_OP_op_add, JIT_OP_op_sub, JIT_OP_op_mul, JIT_OP_op_jump, JIT_OP_op_jump_if_less,
    };
    for (size_t at = 0; at < LINES; at++) {
        uint64_t r = random_number(seed);
        line *l = &program[at];
        l->op = ops[r % (sizeof ops / sizeof *ops)];
        l->a = (r >> 8) % 8;
        l->b = (r >> 16) % 8;
        l->number = (int64_t)random_number(seed) >> (r >> 24) % 64;
        l->label = (uint32_t)(at + 1 + (r >> 32) % (LINES - at));
    }
    program[LINES].op = JIT_OP_op_return;
    program[LINES].a = 0;
}

int main(void)
{
    uint64_t seed = 88172645463325252u;
    for (int number = 0; number < PROGRAMS; number++) {
        line program[LINES + 1];
        memset(program, 0, sizeof program);
        random_program(program, &seed);
        struct machine expected, actual;
        for (int i = 0; i < 8; i++) {
            expected.registers[i] = (int64_t)random_number(&seed);
        }
        actual = expected;
        int64_t wanted = interpret(program, &expected), result;
        jit_code code;
        if (!compile(&code, program, LINES + 1) || !run(&code, &actual, &result)) {
            return 1;
        }
        jit_release(&code);
        if (result != wanted || memcmp(&actual, &expected, sizeof actual) != 0) {
            printf("program %d: the compiled code does something else than the interpreter\n", number);
            return 1;
        }
    }
    printf("%d programs: compiled code does what the interpreter does\n", PROGRAMS);
    return 0;
}
