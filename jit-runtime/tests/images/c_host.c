// Links the traces of a file with the linker in a generated header, JIT_HEADER. Numbers are those of this machine.
//
// Input, for each trace: its base (64 bits), its length (32), the addresses of all symbols (64 each), and for each
// instruction its opcode, the number of its operands and that of its targets (32), the operands (64) and the
// targets (32). Output, for each trace: the status (32), the index where linking failed (32), the size of the image
// (32), and the image.

#include <stdio.h>

#include JIT_HEADER

static void
take(void *to, size_t size)
{
    if (size && fread(to, size, 1, stdin) != 1) {
        fputs("the input ends early\n", stderr);
        exit(2);
    }
}

static uint32_t
number(void)
{
    uint32_t value;
    take(&value, sizeof value);
    return value;
}

static void
put(const void *from, size_t size)
{
    if (size && fwrite(from, size, 1, stdout) != 1) {
        exit(2);
    }
}

static void
result(uint32_t status, size_t index, const unsigned char *image, size_t size)
{
    const uint32_t numbers[3] = {status, (uint32_t)index, (uint32_t)size};
    put(numbers, sizeof numbers);
    put(image, size);
}

static void
job(uint64_t base)
{
    const uint32_t length = number();
    uint64_t *addresses = (uint64_t *)calloc(JIT_SYMBOL_COUNT + 1, sizeof *addresses);
    take(addresses, JIT_SYMBOL_COUNT * sizeof *addresses);
    jit_instruction *trace = (jit_instruction *)calloc(length + 1, sizeof *trace);
    for (uint32_t i = 0; i < length; i++) {
        trace[i].opcode = number();
        trace[i].operand_count = number();
        trace[i].target_count = number();
        uint64_t *operands = (uint64_t *)calloc(trace[i].operand_count + 1, sizeof *operands);
        uint32_t *targets = (uint32_t *)calloc(trace[i].target_count + 1, sizeof *targets);
        take(operands, trace[i].operand_count * sizeof *operands);
        take(targets, trace[i].target_count * sizeof *targets);
        trace[i].operands = operands;
        trace[i].targets = targets;
    }
    jit_layout layout;
    jit_error error;
    jit_status status = jit_layout_make(&layout, trace, length, &error);
    if (status == JIT_OK) {
        // Writes past the end are found by the sanitizers, if they are on.
        unsigned char *image = (unsigned char *)malloc(layout.size + !layout.size);
        status = jit_link(&layout, base, addresses, image, &error);
        result((uint32_t)status, error.index, image, status == JIT_OK ? layout.size : 0);
        free(image);
        jit_layout_free(&layout);
    } else {
        result((uint32_t)status, error.index, NULL, 0);
    }
    for (uint32_t i = 0; i < length; i++) {
        free((void *)(uintptr_t)trace[i].operands);
        free((void *)(uintptr_t)trace[i].targets);
    }
    free(trace);
    free(addresses);
}

int
main(int argc, char **argv)
{
    if (argc == 2 && argv[1][0] == 's') {
        for (size_t i = 0; jit_symbol_name(i); i++) {
            puts(jit_symbol_name(i));
        }
        return 0;
    }
    uint64_t base;
    while (fread(&base, sizeof base, 1, stdin) == 1) {
        job(base);
    }
    return 0;
}
