#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(JIT_HOST_BODY) && JIT_FOR_THIS_HOST
#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <sys/mman.h>
#if defined(__APPLE__)
#include <libkern/OSCacheControl.h>
#endif
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef JIT_HOST_EXTERNAL
#define JIT_API
#else
#define JIT_API static inline
#endif

// One instruction of a trace: a stencil, and what is put into its holes.
typedef struct {
    uint32_t opcode;          // JIT_OP_...
    uint32_t operand_count;   // how many operands there are; more than the stencil needs do not matter
    uint32_t target_count;    // how many targets there are
    const uint64_t *operands; // by number: signed numbers and floats as bits, with zeros above them
    const uint32_t *targets;  // by number: indices into the trace
} jit_instruction;

typedef enum {
    JIT_OK,
    JIT_EMPTY,             // there is nothing to run
    JIT_UNKNOWN_OPCODE,    // no stencil has that opcode
    JIT_RUNS_OFF_END,      // control may go on past the end of the last instruction's code
    JIT_TOO_BIG,           // the image is too large for this target
    JIT_NO_OPERAND,        // the instruction has too few operands
    JIT_OPERAND_TOO_WIDE,  // an operand has more bits than its hole
    JIT_NO_TARGET,         // the instruction has too few targets
    JIT_JUMP_OUTSIDE,      // a target is not an index into the trace
    JIT_UNRESOLVED_SYMBOL, // the address of a symbol that the trace needs is 0
    JIT_BAD_BASE,          // the image cannot be at that address: it is not aligned, or the end of the image overflows
    JIT_OUT_OF_RANGE,      // a value does not fit its hole
    JIT_MISALIGNED,        // a value is not a multiple of what its hole counts in
    JIT_BAD_STENCIL,       // a hole is not in an instruction that can have it
    JIT_NO_MEMORY,         // there is no memory
    JIT_NOT_EXECUTABLE,    // the system does not make the memory executable
    JIT_FOREIGN            // the stencils are for another system or processor than the program
} jit_status;

// Where linking failed.
typedef struct {
    jit_status status;
    size_t index;       // of the instruction; the length of the trace for the code after the last one
    const char *name;   // of the stencil, or of the symbol for JIT_UNRESOLVED_SYMBOL; may be NULL
    uint32_t offset;    // of the hole in the code or data of the stencil, or the number of the operand or target
    uint64_t value;     // that does not fit
} jit_error;

// The parts of an image, as offsets in bytes: code, trampolines, data, GOT.
typedef struct {
    const jit_instruction *trace;
    size_t length;
    uint32_t *starts; // of the code of each instruction; jit_layout_free frees them
    size_t code_size;
    size_t trampolines;
    size_t data;
    size_t got;
    size_t size;
    size_t alignment; // what the address of the image must be a multiple of
    uint64_t got_mask[JIT_MASK_WORDS];
    uint64_t trampoline_mask[JIT_MASK_WORDS];
} jit_layout;

// Memory for code. The functions return NULL or 0 if they fail.
typedef struct {
    // Returns writable memory of at least `size` bytes whose address is a multiple of `alignment`, up to a page.
    void *(*allocate)(void *context, size_t size, size_t alignment);
    // Makes it executable, after which nothing writes to it.
    int (*publish)(void *context, void *start, size_t size);
    void (*release)(void *context, void *start, size_t size);
    void *context;
} jit_memory;

// Code that can be run: convert `entry` to a pointer to a function with the convention of the stencils.
typedef struct {
    void *entry;
    size_t size;
    const jit_memory *memory;
} jit_code;

// Returns a text for a status: a part of a sentence, in English.
JIT_API const char *jit_status_text(jit_status status);

// Returns the name of a stencil, or NULL.
JIT_API const char *jit_opcode_name(uint32_t opcode);

// Returns the name of an external symbol by its index, which is less than JIT_SYMBOL_COUNT, or NULL.
JIT_API const char *jit_symbol_name(size_t index);

// Looks up the external symbols. `addresses` has room for JIT_SYMBOL_COUNT of them, or for one if there is none. A
// symbol that `find` returns 0 for is an error only when a trace needs it. Returns how many were not found.
JIT_API size_t jit_find_symbols(uint64_t *addresses, uint64_t (*find)(void *context, const char *name), void *context);

// Lays out a trace, which must stay where and as it is as long as the layout is used. `error` may be NULL.
JIT_API jit_status jit_layout_make(jit_layout *layout, const jit_instruction *trace, size_t length, jit_error *error);
JIT_API void jit_layout_free(jit_layout *layout);

// Writes the image of a trace that is to run at the address `base` to `image`, which has `layout->size` bytes. If
// this fails, what is in `image` has no meaning.
JIT_API jit_status jit_link(
    const jit_layout *layout, uint64_t base, const uint64_t *addresses, unsigned char *image, jit_error *error);

// Lays out a trace, takes memory for it, links it and makes it executable. `memory` may be NULL for pages of the
// system's; otherwise it must stay where it is until the code is released.
JIT_API jit_status jit_compile(
    jit_code *code, const jit_instruction *trace, size_t length, const uint64_t *addresses, const jit_memory *memory,
    jit_error *error);
JIT_API void jit_release(jit_code *code);

