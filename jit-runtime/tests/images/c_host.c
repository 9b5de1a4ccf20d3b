// Links the traces of a file with the linker in a generated header, JIT_HEADER. Numbers are those of this machine.
//
//     program < INPUT            the images
//     program time N < INPUT     nanoseconds per instruction
//     program symbols            the names of the symbols, in the order of their addresses
//
// Input, for each trace: its base (64 bits), its length (32), the addresses of all symbols (64 each), and for each
// instruction its opcode, the number of its operands and that of its targets (32), the operands (64) and the
// targets (32). Output, for each trace: the status (32), the index where linking failed (32), the size of the image
// (32), and the image.
//
// The times are sums of each trace's median over N rounds, in which each trace gets its turn:
//
//     link T       jit_layout_make and jit_link, into memory that is kept
//     compile T    jit_compile and jit_release, with pages of the system's

#include <stdio.h>
#include <time.h>

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

typedef struct {
    uint64_t base;
    uint64_t *addresses;
    jit_instruction *trace;
    uint32_t length;
    uint64_t *operands; // of all instructions, if they are packed
    uint32_t *targets;
} job;

static job
take_job(uint64_t base)
{
    job taken;
    memset(&taken, 0, sizeof taken);
    taken.base = base;
    taken.length = number();
    taken.addresses = (uint64_t *)calloc(JIT_SYMBOL_COUNT + 1, sizeof *taken.addresses);
    take(taken.addresses, JIT_SYMBOL_COUNT * sizeof *taken.addresses);
    taken.trace = (jit_instruction *)calloc(taken.length + 1, sizeof *taken.trace);
    for (uint32_t i = 0; i < taken.length; i++) {
        jit_instruction *instruction = &taken.trace[i];
        instruction->opcode = number();
        instruction->operand_count = number();
        instruction->target_count = number();
        uint64_t *operands = (uint64_t *)calloc(instruction->operand_count + 1, sizeof *operands);
        uint32_t *targets = (uint32_t *)calloc(instruction->target_count + 1, sizeof *targets);
        take(operands, instruction->operand_count * sizeof *operands);
        take(targets, instruction->target_count * sizeof *targets);
        instruction->operands = operands;
        instruction->targets = targets;
    }
    return taken;
}

static void
free_job(job *done)
{
    for (uint32_t i = 0; i < done->length && !done->operands; i++) {
        free((void *)(uintptr_t)done->trace[i].operands);
        free((void *)(uintptr_t)done->trace[i].targets);
    }
    free(done->operands);
    free(done->targets);
    free(done->trace);
    free(done->addresses);
}

static void
write_image(const job *work)
{
    jit_layout layout;
    jit_error error;
    jit_status status = jit_layout_make(&layout, work->trace, work->length, &error);
    if (status == JIT_OK) {
        // Writes past the end are found by the sanitizers, if they are on.
        unsigned char *image = (unsigned char *)malloc(layout.size + !layout.size);
        status = jit_link(&layout, work->base, work->addresses, image, &error);
        result((uint32_t)status, error.index, image, status == JIT_OK ? layout.size : 0);
        free(image);
        jit_layout_free(&layout);
    } else {
        result((uint32_t)status, error.index, NULL, 0);
    }
}

// Times -----------------------------------------------------------------------------------------

// Moves the operands and targets of a trace next to each other, as a program has them.
static void
pack(job *work)
{
    size_t operands = 0, targets = 0;
    for (uint32_t i = 0; i < work->length; i++) {
        operands += work->trace[i].operand_count;
        targets += work->trace[i].target_count;
    }
    work->operands = (uint64_t *)calloc(operands + 1, sizeof *work->operands);
    work->targets = (uint32_t *)calloc(targets + 1, sizeof *work->targets);
    operands = targets = 0;
    for (uint32_t i = 0; i < work->length; i++) {
        jit_instruction *instruction = &work->trace[i];
        memcpy(work->operands + operands, instruction->operands, instruction->operand_count * sizeof *work->operands);
        memcpy(work->targets + targets, instruction->targets, instruction->target_count * sizeof *work->targets);
        free((void *)(uintptr_t)instruction->operands);
        free((void *)(uintptr_t)instruction->targets);
        instruction->operands = work->operands + operands;
        instruction->targets = work->targets + targets;
        operands += instruction->operand_count;
        targets += instruction->target_count;
    }
}

static void
check(jit_status status)
{
    if (status != JIT_OK) {
        fprintf(stderr, "a trace cannot be linked: %s\n", jit_status_text(status));
        exit(2);
    }
}

static unsigned char kept[1 << 21];

static void
time_link(const job *work)
{
    jit_layout layout;
    check(jit_layout_make(&layout, work->trace, work->length, NULL));
    check(layout.size <= sizeof kept ? JIT_OK : JIT_TOO_BIG);
    check(jit_link(&layout, work->base, work->addresses, kept, NULL));
    jit_layout_free(&layout);
}

static void
time_compile(const job *work)
{
    jit_code code;
    check(jit_compile(&code, work->trace, work->length, work->addresses, NULL, NULL));
    jit_release(&code);
}

static double
now(void)
{
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int
compare(const void *left, const void *right)
{
    const double one = *(const double *)left, other = *(const double *)right;
    return (one > other) - (one < other);
}

static void
measure(const char *name, void (*way)(const job *work), const job *jobs, size_t count, size_t rounds)
{
    double *times = (double *)calloc(count * rounds, sizeof *times), sum = 0;
    size_t instructions = 0;
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            const double start = now();
            way(&jobs[i]);
            times[i * rounds + round] = now() - start;
        }
    }
    for (size_t i = 0; i < count; i++) {
        qsort(times + i * rounds, rounds, sizeof *times, compare);
        sum += times[i * rounds + rounds / 2];
        instructions += jobs[i].length;
    }
    printf("%s %.3f\n", name, sum / (double)instructions);
    free(times);
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
    const size_t rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    job *jobs = NULL;
    size_t count = 0;
    uint64_t base;
    while (fread(&base, sizeof base, 1, stdin) == 1) {
        job work = take_job(base);
        if (!rounds) {
            write_image(&work);
            free_job(&work);
            continue;
        }
        jobs = (job *)realloc(jobs, (count + 1) * sizeof *jobs);
        pack(&work);
        jobs[count++] = work;
    }
    if (rounds) {
        measure("link", time_link, jobs, count, rounds);
        measure("compile", time_compile, jobs, count, rounds);
    }
    for (size_t i = 0; i < count; i++) {
        free_job(&jobs[i]);
    }
    free(jobs);
    return 0;
}
