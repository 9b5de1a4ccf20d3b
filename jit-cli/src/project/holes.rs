//! The values that are patched into a micro-op, as values of C.
//!
//! What can be patched is the address of a symbol. Clang takes it for what it is in a program: never 0, never
//! equal to another address, and the address of memory that no other pointer leads to. So the templates of
//! projects that are not CPython do not see the symbols. They get a function for each value, which hides in an
//! empty `__asm__` where the value comes from, and a macro with the name of the symbol.

use jit_schema::{ObjectFormat, Target};

/// What the names of the functions start with. They are a part of clang's message about a template that declares
/// one of the symbols itself.
pub(crate) const FUNCTION: &str = "jit_cli_defines";

/// How a value is made.
enum Made {
    /// By patching the address of the symbol of this name.
    Patched(&'static str),
    /// From other values.
    Computed(&'static str),
}

use Made::{Computed, Patched};

/// A value: its name, its bits, and how it is made.
type Value = (&'static str, u32, Made);

const TARGET: [Value; 1] = [("_JIT_TARGET", 32, Patched("_JIT_TARGET"))];

const OF_64_BITS: [Value; 6] = [
    ("_JIT_OPERAND0", 64, Patched("_JIT_OPERAND0")),
    ("_JIT_OPERAND0_HI", 32, Computed("_JIT_OPERAND0 >> 32")),
    ("_JIT_OPERAND0_LO", 32, Computed("_JIT_OPERAND0")),
    ("_JIT_OPERAND1", 64, Patched("_JIT_OPERAND1")),
    ("_JIT_OPERAND1_HI", 32, Computed("_JIT_OPERAND1 >> 32")),
    ("_JIT_OPERAND1_LO", 32, Computed("_JIT_OPERAND1")),
];

const OF_32_BITS: [Value; 6] = [
    ("_JIT_OPERAND0_HI", 32, Patched("_JIT_OPERAND0_HI")),
    ("_JIT_OPERAND0_LO", 32, Patched("_JIT_OPERAND0_LO")),
    (
        "_JIT_OPERAND0",
        64,
        Computed("(__UINT64_TYPE__)_JIT_OPERAND0_HI << 32 | _JIT_OPERAND0_LO"),
    ),
    ("_JIT_OPERAND1_HI", 32, Patched("_JIT_OPERAND1_HI")),
    ("_JIT_OPERAND1_LO", 32, Patched("_JIT_OPERAND1_LO")),
    (
        "_JIT_OPERAND1",
        64,
        Computed("(__UINT64_TYPE__)_JIT_OPERAND1_HI << 32 | _JIT_OPERAND1_LO"),
    ),
];

const SMALL: [Value; 6] = [
    ("_JIT_OPARG_16", 16, Patched("_JIT_OPARG_16")),
    ("_JIT_OPARG", 16, Computed("_JIT_OPARG_16")),
    ("_JIT_OPERAND0_16", 16, Patched("_JIT_OPERAND0_16")),
    ("_JIT_OPERAND0_32", 32, Patched("_JIT_OPERAND0_32")),
    ("_JIT_OPERAND1_16", 16, Patched("_JIT_OPERAND1_16")),
    ("_JIT_OPERAND1_32", 32, Patched("_JIT_OPERAND1_32")),
];

const NOT_SMALL: [Value; 6] = [
    ("_JIT_OPARG", 16, Patched("_JIT_OPARG")),
    ("_JIT_OPARG_16", 16, Computed("_JIT_OPARG")),
    ("_JIT_OPERAND0_16", 16, Computed("_JIT_OPERAND0_LO")),
    ("_JIT_OPERAND0_32", 32, Computed("_JIT_OPERAND0_LO")),
    ("_JIT_OPERAND1_16", 16, Computed("_JIT_OPERAND1_LO")),
    ("_JIT_OPERAND1_32", 32, Computed("_JIT_OPERAND1_LO")),
];

/// Returns the C text that defines the values.
pub(crate) fn definitions(target: &Target) -> String {
    let has_64_bits = target.arch.pointer_size() == 8;
    let operands = match has_64_bits {
        true => OF_64_BITS,
        false => OF_32_BITS,
    };
    // 16 and 32-bit values have symbols of their own, or none.
    let small = match target.arch.has_small_constants() {
        true => SMALL,
        false => NOT_SMALL,
    };
    let declaration = match (target.format, has_64_bits) {
        (ObjectFormat::Coff, true) => "extern __declspec(dllimport) char",
        (ObjectFormat::Coff, false) | (ObjectFormat::Elf | ObjectFormat::MachO, _) => {
            "extern __attribute__((visibility(\"default\"))) char"
        }
    };
    let mut text = String::new();
    for (name, bits, made) in TARGET.into_iter().chain(operands).chain(small) {
        let function = format!("{FUNCTION}{name}");
        let declared = match made {
            Patched(symbol) => format!("{declaration} {symbol};\n"),
            Computed(_) => String::new(),
        };
        let body = match made {
            Patched(symbol) => format!(
                "__UINTPTR_TYPE__ __value = (__UINTPTR_TYPE__)&{symbol}; __asm__(\"\" : \"+r\"(__value)); \
                 return (__UINT{bits}_TYPE__)__value;"
            ),
            Computed(value) => format!("return (__UINT{bits}_TYPE__)({value});"),
        };
        text.push_str(&format!(
            "{declared}static inline __attribute__((always_inline, unused)) __UINT{bits}_TYPE__ \
             {function}(void) {{ {body} }}\n#define {name} {function}()\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_template_gets_the_same_values_on_all_targets() {
        let names = |target| -> BTreeSet<String> {
            let text = definitions(target);
            let macros = text
                .lines()
                .filter_map(|line| line.strip_prefix("#define "));
            macros
                .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
                .collect()
        };
        let all: Vec<_> = Target::ALL.iter().map(names).collect();
        assert_eq!(all[0].len(), 13);
        assert!(all.iter().all(|names| *names == all[0]));
    }
}
