#define JIT_LOCAL static inline

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
    int64_t addend;
} jit_hole;

// Ranges of the tables below.
typedef struct {
    uint32_t code, code_size;
    uint32_t data, data_size;
    uint32_t code_holes, code_hole_count;
    uint32_t data_holes, data_hole_count;
    uint32_t got, got_count;
    uint32_t trampolines, trampoline_count;
    uint32_t symbols, symbol_count;
    uint32_t operands, operand_count;
    uint32_t targets, target_count;
    uint16_t alignment;
    uint16_t falls_through;
} jit_stencil;

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

JIT_LOCAL uint64_t
jit_get(const unsigned char *from, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes--) {
        value = value << 8 | from[bytes];
    }
    return value;
}

JIT_LOCAL void
jit_put(unsigned char *to, uint64_t value, unsigned bytes)
{
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

JIT_LOCAL uint64_t
jit_align(uint64_t offset, uint64_t alignment)
{
    return (offset + alignment - 1) / alignment * alignment;
}

// Returns the stencil at an index of a trace, after whose last instruction comes the guard, if there is one.
JIT_LOCAL const jit_stencil *
jit_stencil_at(const jit_instruction *trace, size_t length, size_t index)
{
    uint32_t opcode = index < length ? trace[index].opcode : JIT_GUARD;
    return jit_is_below(opcode, JIT_STENCIL_COUNT) ? &jit_stencils[opcode] : NULL;
}

JIT_LOCAL const char *
jit_name_at(const jit_instruction *trace, size_t length, size_t index)
{
    return jit_opcode_name(index < length ? trace[index].opcode : JIT_GUARD);
}

JIT_LOCAL jit_status
jit_layout_add_up(jit_layout *layout, jit_error *error)
{
    const size_t count = layout->length + (JIT_GUARD < JIT_STENCIL_COUNT);
    uint64_t code = 0, data = 0, alignment = 8;
    const jit_stencil *stencil = NULL;
    for (size_t index = 0; index < count; index++) {
        stencil = jit_stencil_at(layout->trace, layout->length, index);
        if (!stencil) {
            return jit_fail(error, JIT_UNKNOWN_OPCODE, index, NULL, 0, layout->trace[index].opcode);
        }
        if (index < layout->length) {
            layout->starts[index] = (uint32_t)code;
        }
        code += stencil->code_size;
        data = jit_align(data, stencil->alignment) + stencil->data_size;
        if (alignment < stencil->alignment) {
            alignment = stencil->alignment;
        }
        if (code > JIT_MAX_SIZE || data > JIT_MAX_SIZE) {
            return jit_fail(error, JIT_TOO_BIG, index, NULL, 0, code + data);
        }
        jit_mask_add(layout->got_mask, jit_ordinals + stencil->got, stencil->got_count);
        jit_mask_add(layout->trampoline_mask, jit_ordinals + stencil->trampolines, stencil->trampoline_count);
    }
    if (!stencil) {
        return jit_fail(error, JIT_EMPTY, 0, NULL, 0, 0);
    }
    if (stencil->falls_through) {
        const char *name = jit_name_at(layout->trace, layout->length, count - 1);
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
    const jit_instruction *instruction; // NULL for the guard
    const uint64_t *addresses;
    unsigned char *image;
    uint64_t base;
    size_t code, data; // offsets in the image
    uint64_t used[JIT_MASK_WORDS];
} jit_linking;

JIT_LOCAL uint64_t
jit_slot(const jit_linking *at, uint32_t ordinal)
{
    return at->base + at->layout->got + 8 * jit_mask_rank(at->layout->got_mask, ordinal);
}

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
    case JIT_V_SLOT: return jit_slot(at, hole->number);
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
        return hole->addend >= usual && (uint64_t)hole->addend - (uint64_t)usual < at->stencil->data_size;
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
        const unsigned char *opcode = jit_bytes + at->stencil->code + hole->offset - 2;
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
        *value = jit_value(at, hole) + (uint64_t)hole->addend;
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
    memcpy(at->image + layout->data + at->data, jit_bytes + stencil->data, stencil->data_size);
    memcpy(at->image + at->code, jit_bytes + stencil->code, stencil->code_size);
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

JIT_API jit_status
jit_link(const jit_layout *layout, uint64_t base, const uint64_t *addresses, unsigned char *image, jit_error *error)
{
    jit_linking at;
    const uint64_t end = JIT_ARCH == JIT_ARCH_I686 ? (uint64_t)1 << 32 : UINT64_MAX;
    if ((layout->alignment > 8 && base % layout->alignment) || base > end || layout->size > end - base) {
        return jit_fail(error, JIT_BAD_BASE, 0, NULL, 0, base);
    }
    memset(&at, 0, sizeof at);
    at.layout = layout;
    at.addresses = addresses;
    at.image = image;
    at.base = base;
    memset(image, 0, layout->size);
    for (uint32_t ordinal = 0; ordinal < (uint32_t)JIT_MASK_WORDS * 64; ordinal++) {
        if (layout->got_mask[ordinal / 64] >> ordinal % 64 & 1) {
            jit_put(image + (jit_slot(&at, ordinal) - base), addresses[ordinal], 8);
        }
    }
    const size_t count = layout->length + (JIT_GUARD < JIT_STENCIL_COUNT);
    for (size_t index = 0; index < count; index++) {
        at.stencil = jit_stencil_at(layout->trace, layout->length, index);
        at.instruction = index < layout->length ? &layout->trace[index] : NULL;
        if (!at.stencil) {
            return jit_fail(error, JIT_UNKNOWN_OPCODE, index, NULL, 0, 0);
        }
        at.data = (size_t)jit_align(at.data, at.stencil->alignment);
        jit_status status = jit_link_one(&at, index, error);
        if (status != JIT_OK) {
            return status;
        }
        at.code += at.stencil->code_size;
        at.data += at.stencil->data_size;
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

