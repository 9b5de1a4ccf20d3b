//! The page about versions of LLVM, which is generated from the results of `scripts/llvm-matrix`.

use std::{collections::BTreeSet, fmt::Write, path::PathBuf};

use fixtures::{TRIPLES, golden};

use super::{
    checkout,
    release::{LlvmResult, TriedLlvm},
};

const COLUMNS: &str = "release\tllvm\tversion\tfrom\tsubject\ttarget\tresult\tmicro-ops\tdetail";
/// The results that a row can have, in the order in which a table lists them.
const RESULTS: [&str; 5] = ["equal", "runs", "builds", "differs", "refused"];
/// The line of the page that the tables replace.
const PLACE: &str = "<!-- The tables of the results. -->\n\n";
/// The start of a release's table.
const TABLE: &str = "\
| LLVM | from | source | micro-ops | result |
| --- | --- | --- | --- | --- |
";

/// What was found out about a target.
#[derive(Debug, Clone)]
struct Tried {
    release: String,
    llvm: u32,
    version: String,
    from: String,
    subject: String,
    target: String,
    result: String,
    /// The number of micro-ops that were compared.
    uops: Option<usize>,
    /// Why there was nothing to compare.
    detail: String,
}

/// Returns the path of a file that belongs to the page.
fn file(name: &str) -> PathBuf {
    fixtures::workspace().join("fixtures/llvm").join(name)
}

fn results() -> Vec<Tried> {
    let text = golden::read_text(&file("results.tsv"));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(COLUMNS));
    lines.map(read).collect()
}

fn read(line: &str) -> Tried {
    let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
    let Ok(
        [
            release,
            llvm,
            version,
            from,
            subject,
            target,
            result,
            uops,
            detail,
        ],
    ) = <[String; 9]>::try_from(fields)
    else {
        panic!("another number of fields: {line}");
    };
    assert!(TRIPLES.contains(&target.as_str()), "{line}");
    assert!(RESULTS.contains(&result.as_str()), "{line}");
    assert_eq!(result == "equal", detail.is_empty(), "{line}");
    let was_compared = ["equal", "differs"].contains(&result.as_str());
    assert_eq!(was_compared, !uops.is_empty(), "{line}");
    Tried {
        release,
        llvm: llvm.parse().unwrap(),
        version,
        from,
        subject,
        target,
        result,
        uops: (!uops.is_empty()).then(|| uops.parse().unwrap()),
        detail,
    }
}

/// Returns targets as a list for a sentence, after "for".
fn targets(names: &[&str]) -> String {
    if names.len() == TRIPLES.len() {
        return "all seven targets".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match &names[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns what a row of a table says about its targets.
fn summary(row: &[Tried]) -> String {
    let parts = RESULTS.iter().filter_map(|result| {
        let those = row.iter().filter(|tried| tried.result == *result);
        let names: Vec<&str> = those.map(|tried| tried.target.as_str()).collect();
        (!names.is_empty()).then(|| format!("{result} for {}", targets(&names)))
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// Returns a sentence for each reason for which there was nothing to compare.
fn notes(row: &[Tried]) -> Vec<String> {
    let reasons: BTreeSet<(&str, &str)> = row
        .iter()
        .filter(|tried| !tried.detail.is_empty())
        .map(|tried| (tried.detail.as_str(), tried.result.as_str()))
        .collect();
    let note = |(detail, result): (&str, &str)| {
        let same = row
            .iter()
            .filter(|tried| (tried.detail.as_str(), tried.result.as_str()) == (detail, result));
        let names: Vec<&str> = same.map(|tried| tried.target.as_str()).collect();
        let uops: Vec<&str> = detail.split(' ').collect();
        let (what, why) = match result {
            "refused" => ("jit-cli refuses it", "with the message"),
            // The names of all micro-ops say no more than that all differ.
            "differs" if uops.len() > 12 => {
                let (count, first) = (uops.len(), uops[0]);
                let (version, subject, names) = (&row[0].version, &row[0].subject, targets(&names));
                return format!(
                    "- LLVM {version}, {subject}: the bytes differ for {names}, in {count} micro-ops, such as `{first}`\n"
                );
            }
            "differs" => ("the bytes differ", "in"),
            _ => ("build.py fails", "with the message"),
        };
        format!(
            "- LLVM {}, {}: {what} for {}, {why} `{}`\n",
            row[0].version,
            row[0].subject,
            targets(&names),
            detail.replace('`', "'")
        )
    };
    reasons.into_iter().map(note).collect()
}

fn page() -> String {
    let prose = golden::read_text(&file("page.md"));
    let (before, after) = prose.split_once(PLACE).unwrap();
    format!("{before}{}{after}", tables(&results()))
}

/// Returns a section for each release.
fn tables(all: &[Tried]) -> String {
    let mut page = String::new();
    for of_release in all.chunk_by(|one, other| one.release == other.release) {
        write!(page, "## CPython {}\n\n{TABLE}", of_release[0].release).unwrap();
        let rows = of_release
            .chunk_by(|one, other| (one.llvm, &one.subject) == (other.llvm, &other.subject));
        let mut reasons = Vec::new();
        for row in rows {
            let first = &row[0];
            let number = row.iter().filter_map(|tried| tried.uops).max();
            writeln!(
                page,
                "| {} | {} | {} | {} | {} |",
                first.version,
                first.from,
                first.subject,
                number.map(|number| number.to_string()).unwrap_or_default(),
                summary(row)
            )
            .unwrap();
            reasons.extend(notes(row));
        }
        if !reasons.is_empty() {
            page.push('\n');
            page.extend(reasons);
        }
        page.push('\n');
    }
    page
}

#[test]
fn the_page_is_that_of_the_results() {
    let path = fixtures::workspace().join("docs/llvm.md");
    golden::check_text(path, &page());
}

/// Each result stands once, whatever was recorded last.
#[test]
fn no_result_is_there_twice() {
    let mut known = BTreeSet::new();
    for tried in results() {
        let key = (tried.release, tried.llvm, tried.subject, tried.target);
        assert!(!known.contains(&key), "{key:?}");
        known.insert(key);
    }
}

/// What jit-cli knows about a release's versions is what the results say.
#[test]
fn releases_know_the_results() {
    let all = results();
    for release in checkout::RELEASES {
        let name = release.version.to_string();
        let of_release = || all.iter().filter(|tried| tried.release == name);
        for TriedLlvm { major, result } in release.llvm {
            let found: BTreeSet<&str> = of_release()
                .filter(|tried| tried.llvm == *major)
                .map(|tried| tried.result.as_str())
                .collect();
            let worst = RESULTS.iter().rev().find(|result| found.contains(*result));
            let expected: &[&str] = match result {
                LlvmResult::Equal => &["equal"],
                LlvmResult::Differs { .. } => &["differs", "runs", "builds"],
                LlvmResult::Refused(_) => &["refused"],
            };
            assert!(
                worst.is_some_and(|worst| expected.contains(worst)),
                "CPython {name}, LLVM {major}: jit-cli knows {expected:?}, and the results are {found:?}"
            );
            if let LlvmResult::Differs { targets, .. } = result {
                let others = of_release()
                    .filter(|tried| tried.llvm == *major && tried.result != "equal")
                    .map(|tried| tried.target.as_str());
                let named: BTreeSet<&str> = targets.iter().copied().collect();
                assert_eq!(named, others.collect(), "CPython {name}, LLVM {major}");
            }
        }
        for tried in of_release() {
            let mut known = release.llvm.iter();
            assert!(known.any(|known| known.major == tried.llvm), "{tried:?}");
        }
    }
    for tried in &all {
        assert!(
            jit_llvm::SUPPORTED_MAJORS.contains(&tried.llvm),
            "{tried:?}"
        );
    }
}
