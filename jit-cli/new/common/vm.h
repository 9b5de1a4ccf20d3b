// The virtual machine: programs, an interpreter for them, and a compiler, which puts the stencils together.
// It compiles as C11 and as C++17.
#ifndef VM_H
#define VM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "build/jit_host.h" // the opcodes, the stencils, and jit_compile

// A line of a program: an op, and what it may use.
typedef struct {
    uint32_t op;     // JIT_OP_ and the name of a function in the ops file
    uint8_t a, b;    // numbers of registers
    int64_t number;
    uint32_t label;  // the index of a line
} line;

// A function of the host that an op calls.
static void host_print(int64_t value)
{
    printf("%lld\n", (long long)value);
}

// Runs a program line by line. This says what the ops are meant to do, and is what compiled code is tested against.
static int64_t interpret(const line *program, struct machine *m)
{
    for (size_t at = 0;;) {
        const line *l = &program[at++];
        int64_t *a = &m->registers[l->a];
        uint64_t b = (uint64_t)m->registers[l->b];
        switch (l->op) {
        case JIT_OP_op_set: *a = l->number; break;
        case JIT_OP_op_add: *a = (int64_t)((uint64_t)*a + b); break;
        case JIT_OP_op_sub: *a = (int64_t)((uint64_t)*a - b); break;
        case JIT_OP_op_mul: *a = (int64_t)((uint64_t)*a * b); break;
        case JIT_OP_op_jump: at = l->label; break;
        case JIT_OP_op_jump_if_less: if (*a < (int64_t)b) at = l->label; break;
        case JIT_OP_op_print: host_print(*a); break;
        case JIT_OP_op_return: return *a;
        default: abort();
        }
    }
}

// Returns the address of what the ops call or use, or 0 if there is no such thing.
static uint64_t find(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "host_print") == 0 ? (uint64_t)(uintptr_t)host_print : 0;
}

// Links stencils, and prints what is wrong if that fails.
static int link_code(jit_code *code, const jit_instruction *trace, size_t length)
{
    uint64_t addresses[JIT_SYMBOL_COUNT + 1];
    jit_find_symbols(addresses, find, NULL);
    jit_error error;
    jit_status status = jit_compile(code, trace, length, addresses, NULL, &error);
    if (status != JIT_OK) {
        fprintf(stderr, "line %zu (%s): %s\n", error.index, error.name ? error.name : "?", jit_status_text(status));
    }
    return status == JIT_OK;
}

// Compiles a program. Returns 0 after a message if that fails; otherwise, jit_release frees the code.
static int compile(jit_code *code, const line *program, size_t length)
{
    // Operands and labels by their numbers in jit.toml.
    typedef struct {
        uint64_t operands[3];
        uint32_t labels[1];
    } values;
    values *all = (values *)calloc(length + 1, sizeof(values));
    jit_instruction *trace = (jit_instruction *)calloc(length + 1, sizeof(jit_instruction));
    int done = 0;
    if (all && trace) {
        for (size_t at = 0; at < length; at++) {
            const line *l = &program[at];
            values *v = &all[at];
            v->operands[0] = l->a;
            v->operands[1] = l->b;
            v->operands[2] = (uint64_t)l->number;
            v->labels[0] = l->label;
            trace[at].opcode = l->op;
            trace[at].operand_count = 3;
            trace[at].operands = v->operands;
            trace[at].target_count = 1;
            trace[at].targets = v->labels;
        }
        done = link_code(code, trace, length);
    }
    free(trace);
    free(all);
    return done;
}

// Runs compiled code. Returns 0 after a message if that fails.
static int run(const jit_code *code, struct machine *m, int64_t *result)
{
#ifdef JIT_SHIM
    // The code has a calling convention of its own. The shim has C's, and calls it.
    static jit_code shim;
    if (!shim.entry) {
        jit_instruction enter = {JIT_SHIM, 0, 0, NULL, NULL};
        if (!link_code(&shim, &enter, 1)) {
            return 0;
        }
    }
    *result = ((int64_t (*)(struct machine *, void *))(uintptr_t)shim.entry)(m, code->entry);
#else
    *result = ((int64_t (*)(struct machine *))(uintptr_t)code->entry)(m);
#endif
    return 1;
}

#endif
