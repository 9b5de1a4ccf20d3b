//! In which registers functions get their arguments.

use super::{
    lexer::{Kind, Token, closing, nesting},
    module::{Module, Symbol, SymbolKind},
};

/// The general registers that `preserve_none` has for arguments on x86_64 (`CC_X86_64_Preserve_None` in LLVM's
/// `X86CallingConv.td`).
const MOST: usize = 12;

impl Module<'_> {
    /// Returns the greatest number of general registers in which a function gets arguments on x86_64 and AArch64, of the
    /// functions whose names start with `prefix`, and of those that are called with the convention `preserve_none`, whose
    /// calls may have other arguments than the declaration. It is 12 if it is more. Returns `None` if there is no such
    /// function, or one that has another convention or is called with another one, a variable number of arguments, or an
    /// argument that is neither a pointer, nor an integer of 32 or 64 bits, nor a floating-point number.
    pub fn argument_registers(&self, prefix: &str) -> Option<u8> {
        let is_named = |name: &str| super::lexer::plain(name).starts_with(prefix);
        let mut most = None;
        for (name, symbol) in &self.symbols {
            if is_named(name)
                && matches!(symbol.kind, SymbolKind::Function(_) | SymbolKind::Declared)
            {
                most = most.max(Some(self.registers_of(symbol)?));
            }
            if let SymbolKind::Function(body) = &symbol.kind {
                most = most.max(of_calls(self.slice(body), &is_named)?);
            }
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

/// Returns the greatest number of arguments of the calls with the convention `preserve_none`, if there are any. Returns `None`
/// if a function with a name that counts is called with another convention.
fn of_calls(body: &[Token<'_>], is_named: &dyn Fn(&str) -> bool) -> Option<Option<u8>> {
    let mut most = None;
    let calls = body
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is("call"));
    for (start, _) in calls {
        let rest = body.get(start..).unwrap_or_default();
        let Some((callee, arguments)) = callee_of(rest) else {
            continue;
        };
        let before = rest.get(..callee).unwrap_or_default();
        let has_convention = before.iter().any(|token| token.is("preserve_nonecc"));
        let name = rest.get(callee).filter(|token| token.kind == Kind::Global);
        match has_convention {
            true => most = most.max(u8::try_from(arguments.min(MOST)).ok()),
            false if name.is_some_and(|name| is_named(name.name())) => return None,
            false => {}
        }
    }
    Some(most)
}

/// Returns where the callee is of a call that starts here, and the number of its arguments. Assembly has no callee.
fn callee_of(tokens: &[Token<'_>]) -> Option<(usize, usize)> {
    let is_callee = |at: usize| {
        let kind = tokens.get(at).map(|token| token.kind);
        let is_open = tokens.get(at + 1).is_some_and(|token| token.is("("));
        is_open && matches!(kind, Some(Kind::Global | Kind::Local))
    };
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        if depth == 0 {
            if token.is("asm") {
                return None;
            }
            if is_callee(at) {
                let end = closing(tokens, at + 1)?;
                // What came before may be the type of the function.
                if is_callee(end + 1) {
                    return Some((end + 1, arguments(tokens, end + 2)?));
                }
                return Some((at, arguments(tokens, at + 1)?));
            }
        }
        depth = nesting(depth, token);
    }
    None
}

/// Returns the number of arguments between parentheses of which the first one is at an index.
fn arguments(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    let inside = tokens.get(open + 1..closing(tokens, open)?)?;
    let mut depth = 0;
    let mut count = usize::from(!inside.is_empty());
    for token in inside {
        if depth == 0 && token.is(",") {
            count += 1;
        }
        depth = nesting(depth, token);
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> Option<u8> {
        Module::parse(text).unwrap().argument_registers("_JIT_")
    }

    #[test]
    fn arguments_of_calls_are_counted() {
        for (text, expected) in [
            // Calls with more arguments than the declaration has, of a function, of an object and through a pointer.
            (
                "define preserve_nonecc void @_JIT_ENTRY(ptr %0) {\n  call preserve_nonecc void @_JIT_CONTINUE(ptr noundef %0, i64 2, i64 add (i64 1, i64 2)), !srcloc !1\n  ret void\n}\n\
                 declare preserve_nonecc void @_JIT_CONTINUE(ptr)\n",
                Some(3),
            ),
            (
                "@_JIT_CONTINUE = external global i8\n\
                 define preserve_nonecc i64 @_JIT_ENTRY(ptr %0) {\n  %2 = musttail call preserve_nonecc i64 @_JIT_CONTINUE(ptr %0, i64 2)\n  ret i64 %2\n}\n",
                Some(2),
            ),
            (
                "define preserve_nonecc void @_JIT_ENTRY(ptr %0) {\n  tail call preserve_nonecc %s (ptr, ...) %0(ptr %0, i64 1, i64 2, double 1.0)\n  ret void\n}\n",
                Some(4),
            ),
            (
                "define preserve_nonecc void @_JIT_ENTRY(ptr %0) {\n  call void asm sideeffect \"nop\", \"\"()\n  call void @f(ptr %0, i64 1)\n  ret void\n}\n",
                Some(1),
            ),
            (
                "define preserve_nonecc void @_JIT_ENTRY(ptr %0) {\n  call void @_JIT_CONTINUE(ptr %0)\n  ret void\n}\n\
                 declare preserve_nonecc void @_JIT_CONTINUE(ptr)\n",
                None,
            ),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
    }

    #[test]
    fn arguments_are_counted() {
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
