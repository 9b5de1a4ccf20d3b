//! In which registers functions get their arguments.

use super::{
    lexer::{Kind, Token, nesting},
    module::{Module, Symbol, SymbolKind},
};

/// The general registers that `preserve_none` has for arguments on x86_64 (`CC_X86_64_Preserve_None` in LLVM's
/// `X86CallingConv.td`).
const MOST: usize = 12;

impl Module<'_> {
    /// Returns the greatest number of general registers in which a function gets arguments on x86_64 and AArch64, of the
    /// functions whose names start with `prefix`, or 12 if it is more. Returns `None` if there is no such function, or one that has another
    /// convention than `preserve_none`, a variable number of arguments, or an argument that is neither a pointer, nor an
    /// integer of 32 or 64 bits, nor a floating-point number.
    pub fn argument_registers(&self, prefix: &str) -> Option<u8> {
        let named = self.symbols.iter();
        let named = named.filter(|(name, _)| super::lexer::plain(name).starts_with(prefix));
        let functions = named.filter(|(_, symbol)| {
            matches!(symbol.kind, SymbolKind::Function(_) | SymbolKind::Declared)
        });
        let mut most = None;
        for (_, function) in functions {
            most = most.max(Some(self.registers_of(function)?));
        }
        most
    }

    fn registers_of(&self, function: &Symbol) -> Option<u8> {
        let head = self.slice(&function.head);
        if !head.iter().any(|token| token.is("preserve_nonecc")) {
            return None;
        }
        let mut depth = 0;
        let mut parameters: Vec<Vec<&Token<'_>>> = vec![Vec::new()];
        for token in self.slice(&function.rest) {
            let before = depth;
            depth = nesting(depth, token);
            match (before, depth) {
                (0, 1) => {}
                (1, 0) => break,
                (1, 1) if token.is(",") => parameters.push(Vec::new()),
                (0, _) => return None,
                _ => parameters.last_mut()?.push(token),
            }
        }
        let mut count = 0;
        for parameter in parameters.iter().filter(|tokens| !tokens.is_empty()) {
            let [kind, rest @ ..] = parameter.as_slice() else {
                return None;
            };
            let elsewhere = [
                "byval",
                "sret",
                "nest",
                "inreg",
                "swiftself",
                "swiftasync",
                "swifterror",
                "preallocated",
                "inalloca",
            ];
            if rest
                .iter()
                .any(|token| elsewhere.iter().any(|word| token.is(word)))
            {
                return None;
            }
            match kind.text {
                _ if kind.kind != Kind::Word => return None,
                "ptr" | "i64" | "i32" => count += 1,
                "double" | "float" => {}
                _ => return None,
            }
        }
        u8::try_from(count.min(MOST)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_counted() {
        let count = |text: &str| Module::parse(text).unwrap().argument_registers("_JIT_");
        for (text, expected) in [
            (
                "declare preserve_nonecc ptr @_JIT_CONTINUE(ptr noundef, ptr noundef, i64)\n",
                Some(3),
            ),
            (
                "declare hidden preserve_nonecc void @_JIT_CONTINUE()\n",
                Some(0),
            ),
            (
                "declare preserve_nonecc void @_JIT_CONTINUE(ptr noundef align 8 dereferenceable(8), double, i32 signext)\n",
                Some(2),
            ),
            (
                "define preserve_nonecc void @_JIT_ENTRY(ptr %0, i64 %1) {\n  ret void\n}\n\
                 declare preserve_nonecc void @_JIT_CONTINUE(ptr)\n",
                Some(2),
            ),
            (
                "declare preserve_nonecc void @_JIT_A(i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64)\n",
                Some(12),
            ),
            ("declare void @_JIT_CONTINUE(ptr)\n", None),
            (
                "declare preserve_nonecc void @_JIT_A(ptr)\ndeclare void @_JIT_B(ptr)\n",
                None,
            ),
            (
                "declare preserve_nonecc void @_JIT_CONTINUE(ptr, ...)\n",
                None,
            ),
            ("declare preserve_nonecc void @_JIT_CONTINUE(i128)\n", None),
            (
                "declare preserve_nonecc void @_JIT_CONTINUE(i8 zeroext)\n",
                None,
            ),
            (
                "declare preserve_nonecc void @_JIT_CONTINUE(<2 x i64>)\n",
                None,
            ),
            (
                "declare preserve_nonecc void @_JIT_CONTINUE([2 x i64])\n",
                None,
            ),
            (
                "declare preserve_nonecc void @_JIT_CONTINUE({ i64, i64 })\n",
                None,
            ),
            (
                "%s = type { i64 }\ndeclare preserve_nonecc void @_JIT_CONTINUE(%s)\n",
                None,
            ),
            (
                "%s = type { i64 }\ndeclare preserve_nonecc void @_JIT_CONTINUE(ptr byval(%s))\n",
                None,
            ),
            ("@_JIT_OPARG = external global i8\n", None),
            ("declare preserve_nonecc void @other(ptr)\n", None),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
    }
}
