// Runs each function and what the optimizer has made of it, with the same registers and memory, and compares what they do.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"

// In the order of their numbers in jit-optimizer's table, with %rsp in place.
uint64_t registers[16], out[16], saved_stack, saved_function, calls;
uint32_t left;
extern void enter(void (*function)(void));

enum { SIZE = 1 << 22 };
static unsigned char memory[SIZE], pattern[SIZE], first[SIZE];

static uint64_t state = 88172645463325252u;
static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// What calls leave a trace of: all registers that any convention passes arguments in.
void
called(const uint64_t *all)
{
    for (int i = 0; i < 16; i++) {
        if (CALL_READS >> i & 1) {
            calls = calls * 31 + all[i];
        }
    }
}

int
main(void)
{
    for (int i = 0; i < SIZE; i++) {
        pattern[i] = (unsigned char)next();
    }
    for (int f = 0; f < COUNT; f++) {
        for (int trial = 0; trial < 3; trial++) {
            uint64_t start[16];
            for (int i = 0; i < 16; i++) {
                start[i] = next() >> (next() % 64);
            }
            start[13] = (uint64_t)(memory + SIZE / 2);
            uint64_t end[16], first_calls = 0;
            uint32_t first_left = 0;
            for (int optimized = 0; optimized < 2; optimized++) {
                memcpy(memory, pattern, SIZE);
                memcpy(registers, start, sizeof start);
                calls = left = 0;
                enter(optimized ? after[f] : before[f]);
                if (!optimized) {
                    memcpy(first, memory, SIZE);
                    memcpy(end, out, sizeof out);
                    first_calls = calls;
                    first_left = left;
                }
            }
            int bad = memcmp(first, memory, SIZE) != 0 || calls != first_calls || left != first_left;
            for (int i = 0; i < 16; i++) {
                bad |= (LIVE >> i & 1) && out[i] != end[i];
            }
            if (bad) {
                printf("function %d: memory %d, calls %d, place %u %u\n", f, memcmp(first, memory, SIZE) != 0,
                       calls != first_calls, left, first_left);
                for (int i = 0; i < 16; i++) {
                    printf("%d: %016llx -> %016llx, optimized %016llx\n", i, (unsigned long long)start[i],
                           (unsigned long long)end[i], (unsigned long long)out[i]);
                }
                return 1;
            }
        }
    }
    return 0;
}
