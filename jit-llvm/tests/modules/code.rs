//! The code of a split module, compared with that of the whole module from which LLVM's passes `internalize` and
//! `globaldce` have removed the rest.

use std::{collections::BTreeMap, fs};

use jit_llvm::modules::{Module, Roles, Wanted};

use crate::sources::{Clang, FILES, TARGETS, opt, run};

#[test]
fn the_code_is_that_of_llvms_own_tools() {
    let mut compared = 0;
    for clang in Clang::all() {
        // There is none beside the clang 21 of the tests.
        let Some(opt) = opt(&clang) else { continue };
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        for (triple, flags) in TARGETS {
            for level in ["-Os", "-Oz", "-O2"] {
                for file in &FILES {
                    let is_first = triple.starts_with("x86_64-unknown");
                    if !is_first && (file.name == "ops.ll" || level == "-O2") {
                        continue;
                    }
                    let target = format!("--target={triple}");
                    let arguments = [flags, &[target.as_str(), level]].concat();
                    let whole = clang.ir(file, &arguments, directory);
                    let module = Module::parse(&whole).unwrap();
                    for name in module.functions().filter(|name| name.starts_with("op_")) {
                        let roles = Roles::new();
                        let split = module.extract(&Wanted::new(&name, &roles)).unwrap();
                        let ours = clang.assembly(&split.text, &arguments, directory);
                        let kept = directory.join("kept.ll");
                        let list = format!("-internalize-public-api-list={name}");
                        run(
                            &opt,
                            &["-S", "-strip-debug", "-passes=internalize,globaldce", &list],
                            &directory.join("whole.ll"),
                            &kept,
                        );
                        let kept = fs::read_to_string(&kept).unwrap();
                        let theirs = clang.assembly(&kept, &arguments, directory);
                        let prefix = match triple.contains("apple") || triple.starts_with("i686") {
                            true => "_",
                            false => "",
                        };
                        let is_arm = triple.starts_with("aarch64");
                        let ours = function(&ours, &format!("{prefix}_JIT_ENTRY"), is_arm);
                        let theirs = function(&theirs, &format!("{prefix}{name}"), is_arm);
                        let place = format!("{name} of {} with {arguments:?}", file.name);
                        assert!(ours.len() > 2, "{place}: {ours:?}");
                        assert_eq!(ours, theirs, "{place}\n{}", split.text);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared == 0 || compared > 150, "{compared}");
}

/// Returns the lines of a function, with numbers in the place of the labels and symbols that are defined in the file.
fn function(assembly: &str, name: &str, is_arm: bool) -> Vec<String> {
    let defined: Vec<&str> = assembly
        .lines()
        .filter_map(|line| {
            let (label, _) = match line.strip_prefix('"') {
                Some(quoted) => quoted.split_once("\":")?,
                None => line.split_once(':')?,
            };
            (!line.starts_with([' ', '\t', '#'])).then_some(label)
        })
        .collect();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let start = format!("{name}:");
    let lines = assembly
        .lines()
        .skip_while(|line| !line.starts_with(&start));
    let lines = lines.take_while(|line| !line.contains("-- End function"));
    let words = |line: &str| {
        let comments = match is_arm {
            true => ["//", "; "],
            false => ["##", "# "],
        };
        let line = comments.iter().fold(line, |line, start| {
            line.split(start).next().unwrap_or_default()
        });
        let mut text = String::new();
        let mut word = String::new();
        let mut is_quoted = false;
        for character in line.chars().chain(['\n']) {
            is_quoted ^= character == '"';
            if is_quoted || character == '"' {
                word.extend(Some(character).filter(|character| *character != '"'));
                continue;
            }
            if character.is_ascii_alphanumeric() || "._$@?".contains(character) {
                word.push(character);
                continue;
            }
            let (symbol, rest) = match word.split_once('@') {
                Some((symbol, rest)) if !word.trim_start_matches('$').starts_with('?') => {
                    (symbol, format!("@{rest}"))
                }
                _ => (word.as_str(), String::new()),
            };
            let immediate = symbol.strip_prefix('$').unwrap_or(symbol);
            let is_label = immediate.starts_with(".L")
                || immediate.starts_with('L')
                    && immediate[1..].starts_with(|c: char| c.is_ascii_digit());
            if is_label || defined.contains(&immediate) {
                let next = numbers.len();
                let number = *numbers.entry(immediate.to_owned()).or_insert(next);
                text.push_str(&format!("<{number}>{rest}"));
            } else {
                text.push_str(&word);
            }
            word.clear();
            text.push(character);
        }
        text.trim().to_owned()
    };
    let lines = lines.map(words);
    // Stencils have no unwind information, whatever the source says.
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(".cfi_"))
        .collect()
}
