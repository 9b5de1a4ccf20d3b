//! Names of C++.

/// Returns the name that the author wrote for a symbol, with parameters: the symbol itself if it is not one of C++.
pub(crate) fn demangled(symbol: &str) -> String {
    if symbol.starts_with('?') {
        let flags = msvc_demangler::DemangleFlags::NO_ACCESS_SPECIFIERS
            | msvc_demangler::DemangleFlags::NO_FUNCTION_RETURNS
            | msvc_demangler::DemangleFlags::NO_MEMBER_TYPE
            | msvc_demangler::DemangleFlags::NO_MS_KEYWORDS;
        let text = msvc_demangler::demangle(symbol, flags).ok();
        return text
            .or_else(|| path(symbol))
            .unwrap_or_else(|| symbol.to_owned());
    }
    // Without this start, it would take names for codes of types.
    if !symbol.starts_with("_Z") {
        return symbol.to_owned();
    }
    let mangled = cpp_demangle::Symbol::new(symbol);
    let text = mangled.ok().and_then(|symbol| symbol.demangle().ok());
    text.unwrap_or_else(|| symbol.to_owned())
}

/// Returns the name in a symbol for Windows, without its type, which may have a calling convention that the demangler
/// does not know: `preserve_none` is one.
fn path(symbol: &str) -> Option<String> {
    let (path, _) = symbol.strip_prefix('?')?.split_once("@@")?;
    let is_plain = |part: &str| {
        let mut characters = part.chars();
        let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        characters
            .next()
            .is_some_and(|first| is_word(first) && !first.is_ascii_digit())
            && characters.all(is_word)
    };
    let parts: Vec<&str> = path.split('@').rev().collect();
    parts
        .iter()
        .all(|part| is_plain(part))
        .then(|| parts.join("::"))
}

/// Returns the name that the author wrote for a symbol, without parameters.
pub(crate) fn base(symbol: &str) -> String {
    let text = demangled(symbol);
    if text == symbol {
        return text;
    }
    let end = [" const", " volatile", " &", "&"]
        .iter()
        .fold(text.as_str(), |text, word| {
            text.strip_suffix(word).unwrap_or(text)
        });
    if !end.ends_with(')') {
        return text;
    }
    // The parentheses of the parameters are the last ones.
    let mut depth = 0_usize;
    for (index, character) in end.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return end.get(..index).unwrap_or_default().to_owned();
        }
    }
    text
}

/// Returns whether a name, without its parameters, belongs to a function that is local to another one, such as a lambda.
pub(crate) fn is_inner(base: &str) -> bool {
    base.replace("(anonymous namespace)", "")
        .contains(['(', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_kinds() {
        assert_eq!(base("stencil_add"), "stencil_add");
        assert_eq!(base("_JIT_NEXT"), "_JIT_NEXT");
        assert_eq!(base("_ZN2vm3addEP5Framel"), "vm::add");
        assert_eq!(demangled("_Z9_JIT_NEXTP1F"), "_JIT_NEXT(F*)");
        assert_eq!(
            base("_ZN12_GLOBAL__N_13addEl"),
            "(anonymous namespace)::add"
        );
        assert_eq!(base("?add@vm@@YAXPEAUFrame@@@Z"), "vm::add");
        assert_eq!(base("?stencil_add@@YVXPEAUFrame@@_J@Z"), "stencil_add");
        assert_eq!(base("?add@vm@@YVXPEAUFrame@@_J@Z"), "vm::add");
        assert_eq!(
            base("??$add@H@vm@@YVXPEAUFrame@@_J@Z"),
            "??$add@H@vm@@YVXPEAUFrame@@_J@Z"
        );
        assert_eq!(base("?_JIT_A@@3DA"), "_JIT_A");
        for name in ["_Z", "a", "n", "f1", "_x"] {
            assert_eq!(base(name), name);
            assert_eq!(demangled(name), name);
        }
        let lambda = base("_ZZ11stencil_addP5FramelENK3$_0clEmm");
        assert_eq!(lambda, "stencil_add(Frame*, long)::$_0::operator()");
        assert!(is_inner(&lambda) && !is_inner("(anonymous namespace)::add"));
    }
}
