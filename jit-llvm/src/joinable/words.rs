//! The tokens of C, and which words have a meaning in declarations.

use crate::lexical::{is_separator, is_word, literal_length};

/// Words that may be part of the type of a local variable.
pub(super) const OF_VARIABLES: [&[u8]; 27] = [
    b"void",
    b"char",
    b"short",
    b"int",
    b"long",
    b"float",
    b"double",
    b"signed",
    b"unsigned",
    b"_Bool",
    b"bool",
    b"struct",
    b"union",
    b"enum",
    b"const",
    b"volatile",
    b"restrict",
    b"register",
    b"__restrict",
    b"__restrict__",
    b"__const",
    b"__volatile__",
    b"__signed__",
    b"__int128",
    b"__builtin_va_list",
    b"_Float16",
    b"_Complex",
];

/// Other words that declarations have. Some are words only with the extensions of Microsoft.
pub(super) const OF_DECLARATIONS: [&[u8]; 40] = [
    b"extern",
    b"static",
    b"inline",
    b"typedef",
    b"auto",
    b"thread_local",
    b"constexpr",
    b"typeof",
    b"typeof_unqual",
    b"alignas",
    b"_asm",
    b"_cdecl",
    b"_declspec",
    b"_fastcall",
    b"_forceinline",
    b"_inline",
    b"_int8",
    b"_int16",
    b"_int32",
    b"_int64",
    b"_multiple_inheritance",
    b"_ptr32",
    b"_ptr64",
    b"_regcall",
    b"_single_inheritance",
    b"_sptr",
    b"_stdcall",
    b"_thiscall",
    b"_unaligned",
    b"_uptr",
    b"_vectorcall",
    b"_virtual_inheritance",
    b"_w64",
    b"wchar_t",
    b"vector",
    b"half",
    b"private",
    b"global",
    b"local",
    b"kernel",
];

/// What the words of assembly are.
pub(super) const ASSEMBLY: [&[u8]; 3] = [b"asm", b"__asm", b"__asm__"];

/// What the words of attributes are, before parentheses.
pub(super) const ATTRIBUTES: [&[u8]; 3] = [b"__attribute__", b"__attribute", b"__declspec"];

/// Other spellings of braces and brackets.
const DIGRAPHS: [&[u8]; 4] = [b"<%", b"%>", b"<:", b":>"];

/// Returns the tokens of C: words, literals and single characters. Returns `None` if there is a directive or another spelling of a
/// brace or bracket, or if a literal does not end.
pub(super) fn words(whole: &[u8]) -> Option<Vec<&[u8]>> {
    let mut words = Vec::with_capacity(whole.len() / 4);
    let mut at = 0;
    loop {
        let (before, text) = whole.split_at(at);
        let Some(first) = text.first() else {
            return Some(words);
        };
        let length = match first {
            b'#' => return None,
            b'<' | b'%' | b':' if DIGRAPHS.iter().any(|digraph| text.starts_with(digraph)) => {
                return None;
            }
            // It may be within a number, as in `1'000`.
            b'\'' if is_separator(before) => return None,
            b'"' | b'\'' => literal_length(text)?,
            _ if is_word(*first) => text.iter().take_while(|byte| is_word(**byte)).count(),
            _ => 1,
        };
        if !first.is_ascii_whitespace() {
            words.push(text.get(..length)?);
        }
        at += length;
    }
}

pub(super) fn is_name(word: &[u8]) -> bool {
    word.first()
        .is_some_and(|first| is_word(*first) && !first.is_ascii_digit())
}
