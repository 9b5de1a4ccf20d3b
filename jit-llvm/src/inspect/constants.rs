//! Questions for the values of expressions, and clang's answers.

/// The file name that probes have in diagnostics; no file has this name.
pub(super) const PROBES: &str = "<jit probes>";
/// A number that no macro and no size has as its value.
const UNLIKELY: i64 = 0x7eed_fadd_5eed;

/// clang's answer to a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The value of the expression.
    Value(String),
    /// It is no integer constant expression.
    Error,
    /// clang printed nothing about it.
    Silence,
}

/// Returns C text with one line for each expression, which clang reports the value of.
pub(super) fn probes(expressions: &[&str]) -> String {
    // An assertion that fails reports the value, unless the expression was a literal.
    expressions
        .iter()
        .map(|expression| format!("_Static_assert(({expression}) + 0 == {UNLIKELY}, \"\");\n"))
        .collect()
}

/// Returns the answers to this many probes in what clang printed.
pub(super) fn answers(printed: &str, probes: usize) -> Vec<Answer> {
    let mut answers = vec![Answer::Silence; probes];
    for line in printed.lines() {
        let Some((number, answer)) = answer(line) else {
            continue;
        };
        if let Some(place) = answers.get_mut(number.wrapping_sub(1))
            && !matches!(place, Answer::Value(_))
        {
            *place = answer;
        }
    }
    answers
}

/// Returns the line and the answer in `<jit probes>:LINE:COLUMN: error: ...`, or in `...: note:
/// expression evaluates to 'A == B'`.
fn answer(line: &str) -> Option<(usize, Answer)> {
    let rest = line.strip_prefix(PROBES)?.strip_prefix(':')?;
    let (number, rest) = rest.split_once(':')?;
    let value = rest
        .split_once(": note: expression evaluates to '")
        .and_then(|(_, rest)| rest.split_once(" == "));
    let answer = match value {
        // The same value of another type may have another suffix.
        Some((value, _)) => Answer::Value(value.trim_end_matches(['U', 'L', 'u', 'l']).to_owned()),
        None => Answer::Error,
    };
    Some((number.parse().ok()?, answer))
}
