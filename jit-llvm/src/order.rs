//! The order of what clang writes for a source that was translated in one file with others.
//!
//! clang meets the functions in the arguments of a call after the function that is called, which the module does not show, and
//! so does not show in which order it would have several functions or literals. What has one at most has no order.

use jit_schema::Target;
use object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind, SymbolSection,
};

/// Returns whether assembly has one thing at most besides the code of the source's function and its constants: a string,
/// for example, or a function that was not inlined.
pub(crate) fn is_none_in_assembly(assembly: &str, target: &Target) -> bool {
    let labels = assembly.lines().filter_map(|line| {
        let starts = !line.starts_with([' ', '\t', '#', ';', '/', '@']);
        let (label, _) = line.split_once(':').filter(|_| starts)?;
        Some(label)
    });
    labels
        .filter(|label| !is_of_function(label, target))
        .count()
        <= 2
}

/// Returns whether LLVM has made a label: one within a function, such as `.LBB0_1`, or one of a constant on Windows. Names in
/// C start with other characters there, or have none of these.
fn is_of_function(label: &str, target: &Target) -> bool {
    const WITH_TWO_NUMBERS: [&str; 3] = ["BB", "JTI", "CPI"];
    const WITH_ONE: [&str; 5] = ["func_begin", "func_end", "tmp", "loh", "cfi"];
    const CONSTANTS: [&str; 3] = ["__real@", "__xmm@", "__ymm@"];
    let has_underscores = !target.symbol_prefix.is_empty();
    let local = match has_underscores {
        true => label.strip_prefix(['L', 'l']),
        false => label.strip_prefix(".L"),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let has_two = |text: &str| {
        let numbers = text.split_once('_');
        numbers.is_some_and(|(first, second)| is_number(first) && is_number(second))
    };
    let after = |start: &&str| local.and_then(|local| local.strip_prefix(*start));
    WITH_TWO_NUMBERS.iter().filter_map(after).any(has_two)
        || WITH_ONE.iter().filter_map(after).any(is_number)
        || CONSTANTS.iter().any(|start| label.starts_with(start))
}

/// Returns whether an object has one thing at most besides the code of the source's function and its constants, and whether
/// that is known: a function that was not inlined and no data, or the function and one string. This says less than
/// [`is_none_in_assembly`], since an object does not name everything that it has.
pub(crate) fn is_none_in_object(bytes: &[u8]) -> bool {
    let Ok(object) = object::File::parse(bytes) else {
        return false;
    };
    let mut codes = 0;
    let mut strings = 0;
    for section in object.sections().filter(|section| section.size() > 0) {
        let Ok(name) = section.name() else {
            return false;
        };
        match section.kind() {
            SectionKind::Text => codes += 1,
            SectionKind::ReadOnlyString => match section.data() {
                Ok(data) => strings += data.iter().filter(|byte| **byte == 0).count(),
                Err(_) => return false,
            },
            _ if CONSTANTS.iter().any(|start| name.starts_with(start)) => {}
            _ if WITHOUT_CODE.contains(&name) => {}
            SectionKind::Metadata
            | SectionKind::Note
            | SectionKind::Linker
            | SectionKind::Debug
            | SectionKind::DebugString => {}
            _ => return false,
        }
    }
    let symbols = object.symbols().filter(|symbol| {
        let is_here = matches!(symbol.section(), SymbolSection::Section(_));
        let name = symbol.name().unwrap_or_default();
        is_here
            && symbol.kind() != SymbolKind::Section
            && !LABELS.iter().any(|start| name.starts_with(start))
    });
    codes == 1 && symbols.count() + strings <= 2
}

/// How the names of sections start that have only constants of the function, in the order in which it uses them.
const CONSTANTS: [&str; 2] = [".rodata.cst", "__literal"];

/// Sections about the code.
const WITHOUT_CODE: [&str; 8] = [
    ".comment",
    ".eh_frame",
    ".llvm_addrsig",
    ".note.GNU-stack",
    ".pdata",
    ".xdata",
    "__compact_unwind",
    "__eh_frame",
];

/// How the names of symbols start that stand for places in sections and for nothing in C.
const LABELS: [&str; 3] = ["ltmp", "$d", "$x"];
