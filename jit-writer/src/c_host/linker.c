#define JIT_LOCAL static inline

// What has to be part of its callers, however many they are.
#if defined(__GNUC__)
#define JIT_INLINE static inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define JIT_INLINE static __forceinline
#else
#define JIT_INLINE static inline
#endif

enum { // what a hole's value is counted from
    JIT_V_CODE,    // the address of the code of the instruction
    JIT_V_DATA,    // that of its data
    JIT_V_OPERAND, // the operand with that number
    JIT_V_HIGH,    // its upper 32 bits
    JIT_V_LOW,     // its lower 32 bits
    JIT_V_PLACE,   // the address of the code of the target with that number
    JIT_V_ZERO,    // 0
    JIT_V_SYMBOL,  // the address of the symbol with that index
    JIT_V_SLOT     // the address of that symbol's slot in the GOT
};

enum { // how a value is written
    JIT_P_32,
    JIT_P_32S,
    JIT_P_32R,
    JIT_P_64,
    JIT_P_X86_32RX,
    JIT_P_X86_TRAMPOLINE,
    JIT_P_A64_12,
    JIT_P_A64_16A,
    JIT_P_A64_16B,
    JIT_P_A64_16C,
    JIT_P_A64_16D,
    JIT_P_A64_19R,
    JIT_P_A64_21R,
    JIT_P_A64_26R,
    JIT_P_A64_33RX,
    JIT_P_A64_TRAMPOLINE
};

typedef struct {
    uint32_t offset;
    uint32_t first; // for JIT_P_A64_33RX: the offset of the adrp
    uint32_t number;
    unsigned char patch;
    unsigned char value;
    int32_t scale; // what the value is multiplied by
    int64_t addend;
} jit_hole;

// Ranges of the tables below.
typedef struct {
    uint32_t code_holes, code_hole_count;
    uint32_t data_holes, data_hole_count;
    uint32_t got, got_count;
    uint32_t trampolines, trampoline_count;
    uint32_t symbols, symbol_count;
    uint32_t operands, operand_count;
    uint32_t targets, target_count;
    uint32_t falls_through;
} jit_stencil;

// What is needed of each stencil, in few bytes, so that many stencils are in the processor's cache.
typedef struct {
    uint32_t code, code_size; // in jit_bytes
    uint32_t data, data_size;
    uint32_t alignment; // of the data
    uint32_t quick;     // the first of its holes in jit_quick_holes
    uint16_t code_room, data_room; // how much jit_link_quick writes
    uint16_t shape;     // its case of jit_link_quick, or 0
    uint16_t operands;  // how many operands the holes of that case need
    uint16_t targets;   // how many targets
} jit_body;

// A hole of a stencil with a shape, which says the rest of it.
typedef struct {
    uint32_t number;
    int32_t addend;
    uint16_t offset;
    uint16_t bits; // of an operand with fewer than 64
} jit_quick_hole;

// @TABLES@

#if JIT_ARCH == JIT_ARCH_AARCH64
#define JIT_MAX_SIZE (((uint64_t)128 << 20) - 1)
#else
#define JIT_MAX_SIZE (((uint64_t)2 << 30) - 1)
#endif

JIT_LOCAL jit_status
jit_fail(jit_error *error, jit_status status, size_t index, const char *name, uint32_t offset, uint64_t value)
{
    if (error) {
        error->status = status;
        error->index = index;
        error->name = name;
        error->offset = offset;
        error->value = value;
    }
    return status;
}

// A function, as compilers warn of comparisons with 0.
JIT_LOCAL int
jit_is_below(size_t index, size_t count)
{
    return index < count;
}

JIT_API const char *
jit_status_text(jit_status status)
{
    switch (status) {
    case JIT_OK: return "no error";
    case JIT_EMPTY: return "there is nothing to run";
    case JIT_UNKNOWN_OPCODE: return "no stencil has that opcode";
    case JIT_RUNS_OFF_END: return "control may go on past the end of the last instruction";
    case JIT_TOO_BIG: return "the image is too large";
    case JIT_NO_OPERAND: return "the instruction has too few operands";
    case JIT_OPERAND_TOO_WIDE: return "an operand has more bits than its hole";
    case JIT_NO_TARGET: return "the instruction has too few targets";
    case JIT_JUMP_OUTSIDE: return "a target is not an index into the trace";
    case JIT_UNRESOLVED_SYMBOL: return "the address of a symbol is not known";
    case JIT_BAD_BASE: return "the image cannot be at that address";
    case JIT_OUT_OF_RANGE: return "a value does not fit its hole";
    case JIT_MISALIGNED: return "a value is not aligned as its hole needs";
    case JIT_BAD_STENCIL: return "a hole is not in an instruction that can have it";
    case JIT_NO_MEMORY: return "there is no memory";
    case JIT_NOT_EXECUTABLE: return "the memory cannot be made executable";
    case JIT_FOREIGN: return "the stencils are for another system or processor";
    }
    return "unknown status";
}

JIT_API const char *
jit_opcode_name(uint32_t opcode)
{
    return jit_is_below(opcode, JIT_STENCIL_COUNT) ? jit_stencil_names[opcode] : NULL;
}

JIT_API const char *
jit_symbol_name(size_t index)
{
    return jit_is_below(index, JIT_SYMBOL_COUNT) ? jit_symbol_names[index] : NULL;
}

JIT_API size_t
jit_find_symbols(uint64_t *addresses, uint64_t (*find)(void *context, const char *name), void *context)
{
    size_t missing = 0;
    for (size_t i = 0; i != JIT_SYMBOL_COUNT; i++) {
        addresses[i] = find(context, jit_symbol_names[i]);
        missing += addresses[i] == 0;
    }
    return missing;
}

// Numbers in an image are little-endian, whatever the host is.

#if defined(_WIN32) || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define JIT_LITTLE 1
#else
#define JIT_LITTLE 0
#endif

JIT_LOCAL uint64_t
jit_get(const unsigned char *from, unsigned bytes)
{
    uint64_t value = 0;
    if (JIT_LITTLE) {
        memcpy(&value, from, bytes);
        return value;
    }
    while (bytes--) {
        value = value << 8 | from[bytes];
    }
    return value;
}

JIT_LOCAL void
jit_put(unsigned char *to, uint64_t value, unsigned bytes)
{
    if (JIT_LITTLE) {
        memcpy(to, &value, bytes);
        return;
    }
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = (unsigned char)(value >> 8 * i);
    }
}

JIT_LOCAL void
jit_mask_add(uint64_t *mask, const uint32_t *ordinals, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        mask[ordinals[i] / 64] |= (uint64_t)1 << ordinals[i] % 64;
    }
}

JIT_LOCAL size_t
jit_count_bits(uint64_t word)
{
    size_t count = 0;
    for (; word; word &= word - 1) {
        count++;
    }
    return count;
}

// Returns how many ordinals below `end` are in a mask.
JIT_LOCAL size_t
jit_mask_rank(const uint64_t *mask, size_t end)
{
    size_t count = 0;
    for (size_t word = 0; word < end / 64; word++) {
        count += jit_count_bits(mask[word]);
    }
    return end % 64 ? count + jit_count_bits(mask[end / 64] & (((uint64_t)1 << end % 64) - 1)) : count;
}

// The alignment is a power of two.
JIT_LOCAL uint64_t
jit_align(uint64_t offset, uint64_t alignment)
{
    return (offset + alignment - 1) & ~(alignment - 1);
}

// Returns the opcode at an index of a trace, after whose last instruction comes the guard, if there is one. Without a
// guard, the index is not compared: gcc would follow the case that it is at the end, and warn that there is no stencil
// with the number JIT_GUARD.
JIT_LOCAL uint32_t
jit_opcode_at(const jit_instruction *trace, size_t length, size_t index)
{
    return JIT_GUARD < JIT_STENCIL_COUNT && index >= length ? JIT_GUARD : trace[index].opcode;
}

JIT_LOCAL const char *
jit_name_at(const jit_instruction *trace, size_t length, size_t index)
{
    return jit_opcode_name(jit_opcode_at(trace, length, index));
}

JIT_LOCAL jit_status
jit_layout_add_up(jit_layout *layout, jit_error *error)
{
    const size_t count = layout->length + (JIT_GUARD < JIT_STENCIL_COUNT);
    uint64_t code = 0, data = 0, alignment = 8;
    uint32_t opcode = 0;
    // Those whose symbols are in the masks.
    uint64_t seen[JIT_STENCIL_COUNT / 64 + 1];
    memset(seen, 0, sizeof seen);
    for (size_t index = 0; index < count; index++) {
        opcode = jit_opcode_at(layout->trace, layout->length, index);
        if (!jit_is_below(opcode, JIT_STENCIL_COUNT)) {
            return jit_fail(error, JIT_UNKNOWN_OPCODE, index, NULL, 0, opcode);
        }
        const jit_body *body = &jit_bodies[opcode];
        if (index < layout->length) {
            layout->starts[index] = (uint32_t)code;
        }
        code += body->code_size;
        data = jit_align(data, body->alignment) + body->data_size;
        if (alignment < body->alignment) {
            alignment = body->alignment;
        }
        if (code > JIT_MAX_SIZE || data > JIT_MAX_SIZE) {
            return jit_fail(error, JIT_TOO_BIG, index, NULL, 0, code + data);
        }
        if (!(seen[opcode / 64] >> opcode % 64 & 1)) {
            const jit_stencil *stencil = &jit_stencils[opcode];
            seen[opcode / 64] |= (uint64_t)1 << opcode % 64;
            jit_mask_add(layout->got_mask, jit_ordinals + stencil->got, stencil->got_count);
            jit_mask_add(layout->trampoline_mask, jit_ordinals + stencil->trampolines, stencil->trampoline_count);
        }
    }
    if (!count) {
        return jit_fail(error, JIT_EMPTY, 0, NULL, 0, 0);
    }
    if (jit_stencils[opcode].falls_through) {
        const char *name = jit_opcode_name(opcode);
        return jit_fail(error, JIT_RUNS_OFF_END, count - 1, name, 0, 0);
    }
    const size_t symbols = (size_t)JIT_MASK_WORDS * 64;
    const uint64_t trampolines = jit_mask_rank(layout->trampoline_mask, symbols) * (JIT_TRAMPOLINES ? 16 : 0);
    const uint64_t start = jit_align(code + trampolines, alignment);
    const uint64_t got = start + data;
    const uint64_t size = got + jit_mask_rank(layout->got_mask, symbols) * 8;
    if (size > JIT_MAX_SIZE) {
        return jit_fail(error, JIT_TOO_BIG, count, NULL, 0, size);
    }
    layout->code_size = layout->trampolines = (size_t)code;
    layout->data = (size_t)start;
    layout->got = (size_t)got;
    layout->size = (size_t)size;
    layout->alignment = (size_t)alignment;
    return jit_fail(error, JIT_OK, 0, NULL, 0, 0);
}

JIT_API jit_status
jit_layout_make(jit_layout *layout, const jit_instruction *trace, size_t length, jit_error *error)
{
    memset(layout, 0, sizeof *layout);
    layout->trace = trace;
    layout->length = length;
    if (length > UINT32_MAX) {
        return jit_fail(error, JIT_TOO_BIG, length, NULL, 0, length);
    }
    layout->starts = (uint32_t *)calloc(length + 1, sizeof *layout->starts);
    if (!layout->starts) {
        return jit_fail(error, JIT_NO_MEMORY, 0, NULL, 0, 0);
    }
    jit_status status = jit_layout_add_up(layout, error);
    if (status != JIT_OK) {
        jit_layout_free(layout);
    }
    return status;
}

JIT_API void
jit_layout_free(jit_layout *layout)
{
    free(layout->starts);
    layout->starts = NULL;
}

// What linking knows of the instruction whose holes are filled.
typedef struct {
    const jit_layout *layout;
    const jit_stencil *stencil;
    const jit_body *body;
    const jit_instruction *instruction; // NULL for the guard
    const uint64_t *addresses;
    unsigned char *image;
    uint64_t base;
    size_t code, data; // offsets in the image
    uint64_t used[JIT_MASK_WORDS];
    uint64_t slots[JIT_MASK_WORDS * 64]; // the addresses of the slots that there are
} jit_linking;

JIT_LOCAL uint64_t
jit_trampoline(const jit_linking *at, uint32_t ordinal)
{
    return at->layout->trampolines + 16 * jit_mask_rank(at->layout->trampoline_mask, ordinal);
}

// Returns the value of a hole, without the addend. jit_check has seen that the instruction has it.
JIT_LOCAL uint64_t
jit_value(const jit_linking *at, const jit_hole *hole)
{
    switch (hole->value) {
    case JIT_V_CODE: return at->base + at->code;
    case JIT_V_DATA: return at->base + at->layout->data + at->data;
    case JIT_V_SYMBOL: return at->addresses[hole->number];
    case JIT_V_SLOT: return at->slots[hole->number];
    case JIT_V_PLACE: return at->base + at->layout->starts[at->instruction->targets[hole->number]];
    case JIT_V_OPERAND: return at->instruction->operands[hole->number];
    case JIT_V_HIGH: return at->instruction->operands[hole->number] >> 32;
    case JIT_V_LOW: return at->instruction->operands[hole->number] & UINT32_MAX;
    default: return 0;
    }
}

// Returns whether a hole refers to a slot of the GOT or to the data of the stencil, which can be read.
JIT_LOCAL int
jit_is_readable(const jit_linking *at, const jit_hole *hole, int64_t usual)
{
    if (hole->value == JIT_V_DATA) {
        return hole->addend >= usual && (uint64_t)hole->addend - (uint64_t)usual < at->body->data_size;
    }
    return hole->value == JIT_V_SLOT;
}

// Reads the 64 bits at an address in the data or the GOT of the image.
JIT_LOCAL int
jit_content(const jit_linking *at, uint64_t address, uint64_t *content)
{
    const uint64_t offset = address - at->base;
    if (offset < at->layout->data || offset > at->layout->size || at->layout->size - offset < 8) {
        return 0;
    }
    *content = jit_get(at->image + offset, 8);
    return 1;
}

// Returns whether a difference fits a signed field of so many bits.
JIT_LOCAL int
jit_fits(uint64_t difference, unsigned bits)
{
    return difference + ((uint64_t)1 << (bits - 1)) < (uint64_t)1 << bits;
}

#if JIT_ARCH == JIT_ARCH_AARCH64

// Writes bits of an instruction.
JIT_LOCAL void
jit_put_bits(unsigned char *to, uint64_t mask, uint64_t bits)
{
    jit_put(to, (jit_get(to, 4) & ~mask) | (bits & mask), 4);
}

// Returns log2 of the unit of an instruction's 12-bit field, or -1 if it has none.
JIT_LOCAL int
jit_scale(uint64_t instruction)
{
    if ((instruction & 0x3b000000) == 0x39000000) {
        // A load or store. Of those with vector registers, some have 128 bits.
        const int vector = (instruction & 0x04800000) == 0x04800000;
        const int size = (int)(instruction >> 30);
        return vector ? (size == 0 ? 4 : -1) : size;
    }
    return (instruction & 0x1fc00000) == 0x11000000 ? 0 : -1;
}

JIT_LOCAL int
jit_is_adrp(uint64_t instruction)
{
    return (instruction & 0x9f000000) == 0x90000000;
}

JIT_LOCAL int
jit_is_branch26(uint64_t instruction)
{
    return (instruction & 0x7c000000) == 0x14000000;
}

JIT_LOCAL jit_status
jit_put_branch(unsigned char *to, uint64_t target, uint64_t location)
{
    const uint64_t distance = target - location;
    if (!jit_fits(distance, 28)) {
        return JIT_OUT_OF_RANGE;
    }
    if (distance & 3) {
        return JIT_MISALIGNED;
    }
    jit_put_bits(to, 0x03ffffff, distance >> 2);
    return JIT_OK;
}

// Returns whether an adrp reaches a page, and the field of the instruction.
JIT_LOCAL int
jit_page(uint64_t value, uint64_t location, uint64_t *field)
{
    const uint64_t pages = (value >> 12) - (location >> 12);
    *field = (pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5;
    return jit_fits(pages, 21);
}

// Fills an adrp and a load of the same slot, or puts shorter instructions there.
JIT_LOCAL jit_status
jit_put_pair(const jit_linking *at, const jit_hole *hole, uint64_t value)
{
    unsigned char *one = at->image + at->code + hole->first, *two = at->image + at->code + hole->offset;
    const uint64_t location = at->base + at->code + hole->first;
    const uint64_t adrp = jit_get(one, 4), load = jit_get(two, 4), number = adrp & 31, nop = 0xd503201f;
    const int scale = jit_scale(load);
    uint64_t content, field;
    if (!jit_is_adrp(adrp) || (load & 0x3b000000) != 0x39000000 || scale < 0 || (load >> 5 & 31) != number) {
        return JIT_BAD_STENCIL;
    }
    const int same = (load & 0xffc00000) == 0xf9400000 && (load & 31) == number;
    if (same && jit_is_readable(at, hole, 0)) {
        if (!jit_content(at, value, &content)) {
            return JIT_BAD_STENCIL;
        }
        const uint64_t movz = 0xd2800000 | (content & 0xffff) << 5 | number;
        const uint64_t distance = value - location;
        if (content < (uint64_t)1 << 16) {
            jit_put(one, movz, 4);
            jit_put(two, nop, 4);
            return JIT_OK;
        }
        if (content < (uint64_t)1 << 32) {
            jit_put(one, movz, 4);
            jit_put(two, 0xf2a00000 | (content >> 16) << 5 | number, 4);
            return JIT_OK;
        }
        if (jit_page(content, location, &field)) {
            jit_put(one, 0x90000000 | field | number, 4);
            jit_put(two, 0x91000000 | (content & 0xfff) << 10 | number << 5 | number, 4);
            return JIT_OK;
        }
        if ((distance & 3) == 0 && jit_fits(distance, 20)) {
            jit_put(one, 0x58000000 | (distance >> 2 & 0x7ffff) << 5 | number, 4);
            jit_put(two, nop, 4);
            return JIT_OK;
        }
    }
    if (!jit_page(value, location, &field)) {
        return JIT_OUT_OF_RANGE;
    }
    if (value & (((uint64_t)1 << scale) - 1)) {
        return JIT_MISALIGNED;
    }
    jit_put_bits(one, 0x60ffffe0, field);
    jit_put_bits(two, 0xfff << 10, (value & 0xfff) >> scale << 10);
    return JIT_OK;
}

// Fills a hole that only this architecture has.
JIT_LOCAL jit_status
jit_put_special(jit_linking *at, const jit_hole *hole, unsigned char *to, uint64_t value, uint64_t location)
{
    const uint64_t instruction = jit_get(to, 4);
    const int scale = jit_scale(instruction);
    uint64_t field;
    switch (hole->patch) {
    case JIT_P_A64_12:
        if (scale < 0) {
            return JIT_BAD_STENCIL;
        }
        // Of an address, these are the low bits. A multiple of a number has no others.
        if (hole->scale != 1 && value > 0xfff) {
            return JIT_OUT_OF_RANGE;
        }
        if (value & (((uint64_t)1 << scale) - 1)) {
            return JIT_MISALIGNED;
        }
        jit_put_bits(to, 0xfff << 10, (value & 0xfff) >> scale << 10);
        return JIT_OK;
    case JIT_P_A64_16A:
    case JIT_P_A64_16B:
    case JIT_P_A64_16C:
    case JIT_P_A64_16D: {
        const unsigned part = hole->patch - JIT_P_A64_16A;
        if ((instruction & 0x9f800000) != 0x92800000 || (instruction >> 29 & 3) == 1 || (instruction >> 21 & 3) != part) {
            return JIT_BAD_STENCIL;
        }
        jit_put_bits(to, 0xffff << 5, value >> 16 * part << 5);
        return JIT_OK;
    }
    case JIT_P_A64_19R:
        if ((instruction & 0xff000000) != 0x54000000 && (instruction & 0x7e000000) != 0x34000000) {
            return JIT_BAD_STENCIL;
        }
        if (!jit_fits(value - location, 21)) {
            return JIT_OUT_OF_RANGE;
        }
        if ((value - location) & 3) {
            return JIT_MISALIGNED;
        }
        jit_put_bits(to, 0x7ffff << 5, (value - location) >> 2 << 5);
        return JIT_OK;
    case JIT_P_A64_21R:
        if (!jit_is_adrp(instruction)) {
            return JIT_BAD_STENCIL;
        }
        if (!jit_page(value, location, &field)) {
            return JIT_OUT_OF_RANGE;
        }
        jit_put_bits(to, 0x60ffffe0, field);
        return JIT_OK;
    case JIT_P_A64_26R:
        return jit_is_branch26(instruction) ? jit_put_branch(to, value, location) : JIT_BAD_STENCIL;
    case JIT_P_A64_TRAMPOLINE:
        if (!jit_is_branch26(instruction)) {
            return JIT_BAD_STENCIL;
        }
        if (!jit_fits(value - location, 28)) {
            at->used[hole->number / 64] |= (uint64_t)1 << hole->number % 64;
            value = at->base + jit_trampoline(at, hole->number);
        }
        return jit_put_branch(to, value, location);
    case JIT_P_A64_33RX: return jit_put_pair(at, hole, value);
    default: return JIT_BAD_STENCIL;
    }
}

#else

JIT_LOCAL jit_status
jit_put_displacement(unsigned char *to, uint64_t value, uint64_t location)
{
    // 32-bit addresses wrap around.
    if (JIT_ARCH == JIT_ARCH_X86_64 && !jit_fits(value - location, 32)) {
        return JIT_OUT_OF_RANGE;
    }
    jit_put(to, value - location, 4);
    return JIT_OK;
}

// Fills a displacement in an instruction that loads from a slot, or calls or jumps through one. What is in the slot is
// used directly if it is near.
JIT_LOCAL jit_status
jit_put_relaxed(const jit_linking *at, const jit_hole *hole, unsigned char *to, uint64_t value, uint64_t location)
{
    const int in_code = (size_t)(to - at->image) < at->layout->code_size;
    uint64_t content, shorter = 0;
    if (JIT_ARCH == JIT_ARCH_X86_64 && in_code && hole->offset >= 2 && jit_is_readable(at, hole, -4)) {
        const unsigned char *opcode = jit_bytes + at->body->code + hole->offset - 2;
        if (opcode[0] == 0x8b) {
            shorter = (uint64_t)opcode[1] << 8 | 0x8d; // lea
        } else if (opcode[0] == 0xff && opcode[1] == 0x15) {
            shorter = 0xe890; // nop; call
        } else if (opcode[0] == 0xff && opcode[1] == 0x25) {
            shorter = 0xe990; // nop; jmp
        }
    }
    if (shorter) {
        if (!jit_content(at, value + 4, &content)) {
            return JIT_BAD_STENCIL;
        }
        const uint64_t distance = content - 4 - location;
        if (distance + ((uint64_t)1 << 31) < UINT32_MAX) {
            jit_put(to - 2, shorter, 2);
            jit_put(to, distance, 4);
            return JIT_OK;
        }
    }
    return jit_put_displacement(to, value, location);
}

// Fills a hole that only this architecture has.
JIT_LOCAL jit_status
jit_put_special(jit_linking *at, const jit_hole *hole, unsigned char *to, uint64_t value, uint64_t location)
{
    switch (hole->patch) {
    case JIT_P_32: {
        // Sums of addresses and of halves wrap around where addresses have 32 bits. An operand must fit before.
        const int number = hole->value == JIT_V_OPERAND || hole->value == JIT_V_ZERO;
        if (JIT_ARCH == JIT_ARCH_I686 ? number && (value - (uint64_t)hole->addend) >> 32 : value >> 32 != 0) {
            return JIT_OUT_OF_RANGE;
        }
        if (JIT_ARCH == JIT_ARCH_I686 && hole->value == JIT_V_ZERO && value >> 32) {
            return JIT_OUT_OF_RANGE;
        }
        jit_put(to, value, 4);
        return JIT_OK;
    }
    case JIT_P_32S:
        if (!jit_fits(value, 32)) {
            return JIT_OUT_OF_RANGE;
        }
        jit_put(to, value, 4);
        return JIT_OK;
    case JIT_P_32R: return jit_put_displacement(to, value, location);
    case JIT_P_X86_32RX: return jit_put_relaxed(at, hole, to, value, location);
    case JIT_P_X86_TRAMPOLINE:
        if (!jit_fits(value - location, 32)) {
            at->used[hole->number / 64] |= (uint64_t)1 << hole->number % 64;
            value = at->base + jit_trampoline(at, hole->number) + (uint64_t)hole->addend;
        }
        return jit_put_displacement(to, value, location);
    default: return JIT_BAD_STENCIL;
    }
}

#endif

// Fills holes of the code or the data, which is at that offset in the image.
JIT_LOCAL jit_status
jit_fill(jit_linking *at, size_t start, const jit_hole *holes, uint32_t count, uint32_t *failed, uint64_t *value)
{
    for (uint32_t i = 0; i < count; i++) {
        const jit_hole *hole = &holes[i];
        unsigned char *to = at->image + start + hole->offset;
        const uint64_t location = at->base + start + hole->offset;
        jit_status status = JIT_OK;
        *value = jit_value(at, hole) * (uint64_t)hole->scale + (uint64_t)hole->addend;
        if (hole->patch == JIT_P_64) {
            jit_put(to, *value, 8);
        } else {
            status = jit_put_special(at, hole, to, *value, location);
        }
        if (status != JIT_OK) {
            *failed = hole->offset;
            return status;
        }
    }
    return JIT_OK;
}

// Checks what an instruction and the program give to its stencil.
JIT_LOCAL jit_status
jit_check(const jit_linking *at, size_t index, jit_error *error)
{
    const jit_stencil *stencil = at->stencil;
    const jit_instruction *instruction = at->instruction;
    const char *name = jit_name_at(at->layout->trace, at->layout->length, index);
    for (uint32_t i = 0; i < stencil->symbol_count; i++) {
        const uint32_t symbol = jit_ordinals[stencil->symbols + i];
        if (!at->addresses[symbol]) {
            return jit_fail(error, JIT_UNRESOLVED_SYMBOL, index, jit_symbol_names[symbol], 0, 0);
        }
    }
    for (uint32_t i = 0; i < stencil->operand_count; i++) {
        const unsigned bits = jit_operand_bits[stencil->operands + i];
        if (!bits) {
            continue;
        }
        if (!instruction || i >= instruction->operand_count) {
            return jit_fail(error, JIT_NO_OPERAND, index, name, i, 0);
        }
        if (bits < 64 && instruction->operands[i] >> bits) {
            return jit_fail(error, JIT_OPERAND_TOO_WIDE, index, name, i, instruction->operands[i]);
        }
    }
    for (uint32_t i = 0; i < stencil->target_count; i++) {
        const uint32_t number = jit_ordinals[stencil->targets + i];
        if (!instruction || number >= instruction->target_count) {
            return jit_fail(error, JIT_NO_TARGET, index, name, number, 0);
        }
        if (instruction->targets[number] >= at->layout->length) {
            return jit_fail(error, JIT_JUMP_OUTSIDE, index, name, number, instruction->targets[number]);
        }
    }
    return JIT_OK;
}

JIT_LOCAL jit_status
jit_link_one(jit_linking *at, size_t index, jit_error *error)
{
    const jit_layout *layout = at->layout;
    const jit_stencil *stencil = at->stencil;
    jit_status status = jit_check(at, index, error);
    if (status != JIT_OK) {
        return status;
    }
    uint32_t failed = 0;
    uint64_t value = 0;
    memcpy(at->image + layout->data + at->data, jit_bytes + at->body->data, at->body->data_size);
    memcpy(at->image + at->code, jit_bytes + at->body->code, at->body->code_size);
    // What is written into code may depend on what is in the data.
    status = jit_fill(
        at, layout->data + at->data, jit_holes + stencil->data_holes, stencil->data_hole_count, &failed, &value);
    if (status == JIT_OK) {
        status = jit_fill(at, at->code, jit_holes + stencil->code_holes, stencil->code_hole_count, &failed, &value);
    }
    if (status != JIT_OK) {
        return jit_fail(error, status, index, jit_name_at(layout->trace, layout->length, index), failed, value);
    }
    return JIT_OK;
}

#ifdef JIT_SHAPES

// Most stencils have a shape: how much is copied, and a list of holes. Each shape has a case of a switch, without loops and other
// branches that a processor guesses wrong. This part only makes images faster: it leaves all errors, and stencils without a
// shape, to jit_link_one.
typedef struct {
    const jit_instruction *instruction;
    const jit_quick_hole *hole;
    unsigned char *code, *data;
    uint64_t code_address, data_address;
    uint64_t bad; // not 0 if something is wrong
    // Those of the trace.
    const uint64_t *addresses, *slots;
    const uint32_t *starts;
    size_t length;
    uint64_t base;
} jit_quick;

// The values of holes.

JIT_INLINE uint64_t
jit_quick_code(const jit_quick *quick)
{
    return quick->code_address;
}

JIT_INLINE uint64_t
jit_quick_data(const jit_quick *quick)
{
    return quick->data_address;
}

JIT_INLINE uint64_t
jit_quick_zero(const jit_quick *quick)
{
    (void)quick;
    return 0;
}

JIT_INLINE uint64_t
jit_quick_operand(const jit_quick *quick)
{
    return quick->instruction->operands[quick->hole->number];
}

JIT_INLINE uint64_t
jit_quick_bits(jit_quick *quick)
{
    const uint64_t value = quick->instruction->operands[quick->hole->number];
    quick->bad |= value >> quick->hole->bits;
    return value;
}

JIT_INLINE uint64_t
jit_quick_place(jit_quick *quick)
{
    const uint32_t target = quick->instruction->targets[quick->hole->number];
    if (target >= quick->length) {
        quick->bad = 1;
        return 0;
    }
    return quick->base + quick->starts[target];
}

JIT_INLINE uint64_t
jit_quick_symbol(jit_quick *quick)
{
    const uint64_t address = quick->addresses[quick->hole->number];
    quick->bad |= address == 0;
    return address;
}

// Its symbol is in the GOT, and has an address.
JIT_INLINE uint64_t
jit_quick_slot(const jit_quick *quick)
{
    return quick->slots[quick->hole->number];
}

// How they are written. `value` is without the addend.

JIT_INLINE void
jit_quick_64(jit_quick *quick, unsigned char *part, uint64_t value)
{
    jit_put(part + quick->hole->offset, value + (uint64_t)(int64_t)quick->hole->addend, 8);
    quick->hole++;
}

JIT_INLINE void
jit_quick_32(jit_quick *quick, unsigned char *part, uint64_t value)
{
    value += (uint64_t)(int64_t)quick->hole->addend;
    quick->bad |= value >> 32;
    jit_put(part + quick->hole->offset, value, 4);
    quick->hole++;
}

JIT_INLINE void
jit_quick_32r(jit_quick *quick, unsigned char *part, uint64_t value)
{
    const uint64_t location = (part == quick->code ? quick->code_address : quick->data_address) + quick->hole->offset;
    const uint64_t distance = value + (uint64_t)(int64_t)quick->hole->addend - location;
    quick->bad |= (distance + ((uint64_t)1 << 31)) >> 32;
    jit_put(part + quick->hole->offset, distance, 4);
    quick->hole++;
}

// As jit_put_relaxed. `content` is that of the slot or data at `value`, and `bytes` of `shorter` are written before the
// displacement if that is near.
JIT_INLINE void
jit_quick_relaxed(jit_quick *quick, uint64_t content, uint64_t value, uint64_t shorter, unsigned bytes)
{
    unsigned char *to = quick->code + quick->hole->offset;
    const uint64_t location = quick->code_address + quick->hole->offset;
    uint64_t distance = content - 4 - location;
    if (distance + ((uint64_t)1 << 31) < UINT32_MAX) {
        jit_put(to - 2, shorter, bytes);
    } else {
        distance = value + (uint64_t)(int64_t)quick->hole->addend - location;
        quick->bad |= (distance + ((uint64_t)1 << 31)) >> 32;
    }
    jit_put(to, distance, 4);
    quick->hole++;
}

JIT_INLINE uint64_t
jit_quick_in_slot(const jit_quick *quick)
{
    return quick->addresses[quick->hole->number];
}

JIT_INLINE uint64_t
jit_quick_in_data(const jit_quick *quick)
{
    return jit_get(quick->data + quick->hole->addend + 4, 8);
}

#define JIT_64(part, value) jit_quick_64(&quick, quick.part, jit_quick_##value(&quick));
#define JIT_32(part, value) jit_quick_32(&quick, quick.part, jit_quick_##value(&quick));
#define JIT_32R(part, value) jit_quick_32r(&quick, quick.part, jit_quick_##value(&quick));
#define JIT_LEA(value) jit_quick_relaxed(&quick, jit_quick_in_##value(&quick), jit_quick_##value(&quick), 0x8d, 1);
#define JIT_CALL(value) jit_quick_relaxed(&quick, jit_quick_in_##value(&quick), jit_quick_##value(&quick), 0xe890, 2);
#define JIT_JMP(value) jit_quick_relaxed(&quick, jit_quick_in_##value(&quick), jit_quick_##value(&quick), 0xe990, 2);

// Copies more than is needed, and what is after it is written later.
#define JIT_COPY_16(part, offset) memcpy(quick.part + offset, jit_bytes + body->part + offset, 16);
#define JIT_COPY_32(part, offset) memcpy(quick.part + offset, jit_bytes + body->part + offset, 32);
#define JIT_COPY_ALL(part) memcpy(quick.part, jit_bytes + body->part, body->part##_size);

// Links instructions from an index on as long as their stencils have shapes. Returns the index of the first one that it has not
// linked, of which a part may have been written.
JIT_LOCAL size_t
jit_link_quick(jit_linking *at, size_t index)
{
    const jit_layout *layout = at->layout;
    const jit_instruction *trace = layout->trace;
    const size_t code_size = layout->code_size, data_size = layout->got - layout->data;
    size_t code = at->code, data = at->data;
    jit_quick quick;
    quick.addresses = at->addresses;
    quick.slots = at->slots;
    quick.starts = layout->starts;
    quick.length = layout->length;
    quick.base = at->base;
    quick.bad = 0;
    if (index == quick.length) {
        return index;
    }
    // jit_layout_make has seen that the opcodes have stencils. That of the next instruction is read early, so that the
    // processor knows soon where it goes on.
    const jit_body *next = &jit_bodies[trace[index].opcode];
    unsigned shape = next->shape;
    for (; index < quick.length; index++) {
        const jit_body *body = next;
        const unsigned now = shape;
        quick.instruction = &trace[index];
        next = &jit_bodies[trace[index + (index + 1 < quick.length)].opcode];
        shape = next->shape;
        if (code_size - code < body->code_room || data_size - data < body->data_room || data & (body->alignment - 1)
            || quick.instruction->operand_count < body->operands || quick.instruction->target_count < body->targets) {
            break;
        }
        quick.hole = jit_quick_holes + body->quick;
        quick.code = at->image + code;
        quick.data = at->image + layout->data + data;
        quick.code_address = quick.base + code;
        quick.data_address = quick.base + layout->data + data;
        switch (now) {
            JIT_SHAPES
        default: quick.bad = 1;
        }
        if (quick.bad) {
            break;
        }
        code += body->code_size;
        data += body->data_size;
    }
    at->code = code;
    at->data = data;
    return index;
}

#endif

// Writes the GOT, because what is written into code may depend on it. Returns whether all its symbols, and those of the
// trampolines, are known.
JIT_LOCAL int
jit_link_got(jit_linking *at)
{
    const jit_layout *layout = at->layout;
    size_t slot = layout->got;
    int known = 1;
    for (size_t word = 0; word < JIT_MASK_WORDS; word++) {
        uint64_t bits = layout->got_mask[word] | layout->trampoline_mask[word];
        for (size_t ordinal = word * 64; bits; bits >>= 1, ordinal++) {
            while (!(bits & 0xff)) {
                bits >>= 8;
                ordinal += 8;
            }
            if (!(bits & 1)) {
                continue;
            }
            known &= at->addresses[ordinal] != 0;
            if (layout->got_mask[word] >> ordinal % 64 & 1) {
                at->slots[ordinal] = at->base + slot;
                jit_put(at->image + slot, at->addresses[ordinal], 8);
                slot += 8;
            }
        }
    }
    return known;
}

JIT_API jit_status
jit_link(const jit_layout *layout, uint64_t base, const uint64_t *addresses, unsigned char *image, jit_error *error)
{
    jit_linking at;
    const uint64_t end = JIT_ARCH == JIT_ARCH_I686 ? (uint64_t)1 << 32 : UINT64_MAX;
    if ((layout->alignment > 8 && base % layout->alignment) || base > end || layout->size > end - base) {
        return jit_fail(error, JIT_BAD_BASE, 0, NULL, 0, base);
    }
    at.layout = layout;
    at.addresses = addresses;
    at.image = image;
    at.base = base;
    at.code = at.data = 0;
    memset(at.used, 0, sizeof at.used);
    memset(image + layout->code_size, 0, layout->data - layout->code_size);
    const int known = jit_link_got(&at);
    (void)known;
    const size_t count = layout->length + (JIT_GUARD < JIT_STENCIL_COUNT);
    for (size_t index = 0; index < count; index++) {
#ifdef JIT_SHAPES
        if (known) {
            index = jit_link_quick(&at, index);
        }
        if (index == count) {
            break;
        }
#endif
        const uint32_t opcode = jit_opcode_at(layout->trace, layout->length, index);
        at.stencil = &jit_stencils[opcode];
        at.body = &jit_bodies[opcode];
        at.instruction = index < layout->length ? &layout->trace[index] : NULL;
        const size_t start = (size_t)jit_align(at.data, at.body->alignment);
        memset(image + layout->data + at.data, 0, start - at.data);
        at.data = start;
        jit_status status = jit_link_one(&at, index, error);
        if (status != JIT_OK) {
            return status;
        }
        at.code += at.body->code_size;
        at.data += at.body->data_size;
    }
    for (uint32_t ordinal = 0; JIT_TRAMPOLINES && ordinal < (uint32_t)JIT_MASK_WORDS * 64; ordinal++) {
        if (at.used[ordinal / 64] >> ordinal % 64 & 1) {
            // jmp *0(%rip); or ldr x16, .+8 and br x16.
            static const unsigned char x86[6] = {0xff, 0x25, 0, 0, 0, 0};
            static const unsigned char aarch64[8] = {0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6};
            const int arm = JIT_ARCH == JIT_ARCH_AARCH64;
            const size_t bytes = arm ? sizeof aarch64 : sizeof x86;
            unsigned char *to = image + jit_trampoline(&at, ordinal);
            memcpy(to, arm ? aarch64 : x86, bytes);
            jit_put(to + bytes, addresses[ordinal], 8);
        }
    }
    return jit_fail(error, JIT_OK, 0, NULL, 0, 0);
}

