//! A page about stencils, in one file that needs no network and no other file.
//!
//! The page has a script, which shows what two elements with JSON have: the sizes of all stencils, and their code, which is
//! read when a stencil is looked at. Names of stencils and symbols are in the JSON only, where no character ends the
//! element, and the script makes text of them, never elements. The page's policy for content allows the page's own script and
//! style by their hashes, and nothing else: no other script would run, and nothing can be loaded or sent.

mod code;
mod policy;
mod tables;

use jit_stencils::StencilSet;

use self::{policy::policy, tables::Tables};

/// What a page shows.
pub(crate) struct Contents<'a> {
    /// Where the stencils are from.
    pub(crate) place: String,
    /// Where the stencils are from that they are compared with.
    pub(crate) before: Option<String>,
    pub(crate) builds: &'a [Build<'a>],
}

/// The stencils of one target and code generation.
pub(crate) struct Build<'a> {
    pub(crate) title: &'a str,
    pub(crate) after: &'a StencilSet,
    /// The stencils that they are compared with.
    pub(crate) before: Option<&'a StencilSet>,
}

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
/// The parts of the script, in their order.
const SCRIPT: [&str; 4] = [
    include_str!("html/model.js"),
    include_str!("html/map.js"),
    include_str!("html/stencil.js"),
    include_str!("html/page.js"),
];

/// Returns the page, with the stencils that are wanted.
pub(crate) fn page(contents: &Contents<'_>, is_wanted: impl Fn(&str) -> bool + Sync) -> String {
    let Tables { sizes, code } = tables::tables(contents, is_wanted);
    let script = format!("\"use strict\";\n{}", SCRIPT.concat());
    let policy = policy(&script, STYLE);
    filled(&[
        ("@POLICY@", &policy),
        ("@STYLE@", STYLE),
        ("@SIZES@", &element(&sizes)),
        ("@CODE@", &element(&code)),
        ("@SCRIPT@", &script),
    ])
}

/// Returns JSON as a script element can have it: nothing in it ends the element or begins a comment. `<` is in strings only,
/// where it has another spelling.
fn element(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// Returns the page with parts in the places that are marked for them, which are in the same order. Parts are not searched for
/// marks.
fn filled(parts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = PAGE;
    for (mark, part) in parts {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        text += before;
        text += part;
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_an_element() {
        let hostile = serde_json::json!(["</script><script>alert(1)</script>", "<!--", "@CODE@"]);
        let text = element(&hostile.to_string());
        assert!(!text.contains('<'), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            hostile
        );
    }

    #[test]
    fn each_mark_is_there_once_and_in_order() {
        let marks = ["@POLICY@", "@STYLE@", "@SIZES@", "@CODE@", "@SCRIPT@"];
        let places: Vec<Vec<usize>> = marks
            .iter()
            .map(|mark| PAGE.match_indices(mark).map(|(at, _)| at).collect())
            .collect();
        assert!(places.iter().all(|all| all.len() == 1), "{places:?}");
        assert!(places.is_sorted(), "{places:?}");
        // The script's and the style's own elements.
        for text in SCRIPT.iter().chain([&STYLE]) {
            assert!(!text.contains("</"), "{text}");
        }
    }
}
