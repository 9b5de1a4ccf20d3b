// Runs a trace of the micro-ops in stencils.s through the linker of the generated header.

#include <stdio.h>

#include JIT_HEADER

static uint64_t helper(uint64_t value) { return value * 3 + 1; }

static uint64_t
find(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "helper") ? 0 : (uint64_t)(uintptr_t)helper;
}

typedef uint64_t function(uint64_t value, uint64_t count);

static int failures;

static void
expect(const char *what, uint64_t actual, uint64_t expected)
{
    if (actual != expected) {
        printf("%s: %llu, not %llu\n", what, (unsigned long long)actual, (unsigned long long)expected);
        failures++;
    }
}

int
main(void)
{
    uint64_t addresses[JIT_SYMBOL_COUNT + 1];
    expect("missing", jit_find_symbols(addresses, find, NULL), 0);

    const uint64_t add[] = {0, 0, 0xfedcba9876543210u}, small[] = {65535}, wide[] = {65536};
    const uint64_t called[] = {0, (uint64_t)(uintptr_t)helper};
    const uint32_t places[] = {0, 99, 99, 6}, end[] = {99, 6};
    jit_instruction trace[] = {
        {JIT_OP_ADD, 3, 0, add, NULL},
        {JIT_OP_SMALL, 1, 0, small, NULL},
        {JIT_OP_CALL, 0, 0, NULL, NULL},
        {JIT_OP_CALL_OPERAND, 2, 0, called, NULL},
        {JIT_OP_CALL_PLACE, 0, 2, NULL, end},
        {JIT_OP_LOOP, 0, 4, NULL, places},
        {JIT_OP_RETURN, 0, 0, NULL, NULL},
    };
    jit_code code;
    jit_error error;
    jit_status status = jit_compile(&code, trace, 7, addresses, NULL, &error);
    expect(jit_status_text(status), status, JIT_OK);
    if (status == JIT_OK) {
        function *run;
        memcpy(&run, &code.entry, sizeof run);
        uint64_t value = 7;
        for (int i = 0; i < 20; i++) {
            value = helper(helper(value + add[2] + 2 * 65535)) + 5;
        }
        expect("result", run(7, 20), value);
        jit_release(&code);
    }

    trace[1].operands = wide;
    expect("too wide", jit_compile(&code, trace, 7, addresses, NULL, &error), JIT_OPERAND_TOO_WIDE);
    expect("where", error.index, 1);
    expect("what", error.value, 65536);
    trace[1].operands = small;
    trace[0].operand_count = 2;
    expect("no operand", jit_compile(&code, trace, 7, addresses, NULL, &error), JIT_NO_OPERAND);
    expect("which", error.offset, 2);
    trace[0].operand_count = 3;
    trace[5].target_count = 3;
    expect("no target", jit_compile(&code, trace, 7, addresses, NULL, NULL), JIT_NO_TARGET);
    trace[5].target_count = 4;
    expect("outside", jit_compile(&code, trace, 6, addresses, NULL, &error), JIT_JUMP_OUTSIDE);
    expect("empty", jit_compile(&code, trace, 0, addresses, NULL, NULL), JIT_EMPTY);
    trace[6].opcode = JIT_STENCIL_COUNT;
    expect("unknown", jit_compile(&code, trace, 7, addresses, NULL, &error), JIT_UNKNOWN_OPCODE);
    trace[6].opcode = JIT_OP_RETURN;
    addresses[0] = 0;
    expect("symbol", jit_compile(&code, trace, 7, addresses, NULL, &error), JIT_UNRESOLVED_SYMBOL);
    expect("its name", strcmp(error.name, "helper"), 0);
    return failures != 0;
}
