use std::{path::Path, process::Command};

use super::*;

/// Structures, globals, loops and uses in several orders, but no names of values.
const SOURCE: &str = "\
struct one { int x; struct other *p; union { int i; char *c; } u; };
extern struct one *get(struct other *);
static const char text[] = \"abc\";
int f(struct one *a) {
    struct one copy = *a;
    for (int i = 0; i < a->x; i++)
        copy.x += text[i & 1] - i;
    return copy.x + get(a->p)->u.i;
}
";

/// Translates sources in one process, as a compiler does it.
fn translate(clang: &Path, triple: &str, sources: &[(&str, &str)]) -> Vec<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(clang);
    command
        .args(["-cc1", "-triple", triple, "-O2", "-emit-llvm-bc"])
        .args(["-disable-llvm-passes", "-emit-llvm-uselists"])
        .args(["-discard-value-names", "-x", "c"])
        .current_dir(directory.path());
    for (name, text) in sources {
        let name = format!("{name}.c");
        std::fs::write(directory.path().join(&name), text).unwrap();
        command.arg(name);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    sources
        .iter()
        .map(|(name, _)| std::fs::read(directory.path().join(format!("{name}.bc"))).unwrap())
        .collect()
}

/// Reads the numbers of a result again, and returns the operands of each record.
fn operands(contents: &[u8]) -> Vec<Vec<u64>> {
    let mut bytes = contents.iter().copied();
    let mut number = move |skip: u64| -> Option<u64> {
        for _ in 0..skip {
            bytes.next()?;
        }
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes.next()?;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return Some(value);
            }
        }
    };
    let (mut records, mut blocks, mut skip) = (Vec::new(), Vec::new(), 0);
    while let Some(tag) = number(std::mem::take(&mut skip)) {
        match tag {
            0 => blocks.push(number(0).unwrap()),
            1 => assert!(blocks.pop().is_some()),
            _ => {
                let code = number(0).unwrap();
                if blocks == [number::MODULE, number::VALUE_SYMTAB] && code == number::FNENTRY {
                    number(0).unwrap();
                    continue;
                }
                let count = number(0).unwrap();
                records.push((0..count).map(|_| number(0).unwrap()).collect());
                skip = number(0).unwrap();
            }
        }
    }
    assert_eq!(blocks, [0; 0]);
    records
}

#[test]
fn records_are_those_of_llvm_bcanalyzer() {
    let (Some(clang), Some(objdump)) = (fixtures::needs::clang_22(), fixtures::needs::objdump_22())
    else {
        return;
    };
    let analyzer = objdump.canonicalize().unwrap();
    let analyzer = analyzer.with_file_name("llvm-bcanalyzer");
    for triple in fixtures::TRIPLES {
        let modules = translate(&clang, triple, &[("a", SOURCE), ("b", SOURCE)]);
        for module in modules {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &module).unwrap();
            let mut command = Command::new(&analyzer);
            let output = command.arg("--dump").arg(file.path()).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let left_out = ["<STRUCT_NAME ", "<VSTOFFSET ", "<FNENTRY "];
            let is_record = |line: &&str| {
                line.starts_with('<') && !left_out.iter().any(|start| line.starts_with(start))
            };
            let expected: Vec<Vec<u64>> = text
                .lines()
                .map(str::trim_start)
                .filter(is_record)
                .filter_map(|line| Some(line.split_once("/>")?.0))
                .map(|line| {
                    let words = line.split(' ').filter(|word| word.starts_with("op"));
                    words
                        .filter_map(|word| word.split_once('=')?.1.parse().ok())
                        .collect()
                })
                .collect();
            let records = operands(&contents(&module).unwrap());
            assert!(records.len() > 100, "{triple}");
            // A block of abbreviations has no records, but a line.
            let expected: Vec<_> = expected.into_iter().filter(|one| !one.is_empty()).collect();
            let records: Vec<_> = records.into_iter().filter(|one| !one.is_empty()).collect();
            assert_eq!(records, expected, "{triple}");
        }
    }
}

/// What is compiled together has an effect on the bits, but not on what they say.
#[test]
fn batches_do_not_matter_and_code_does() {
    fixtures::needs!(clang_22);
    let clang = fixtures::needs::clang_22().unwrap();
    let other = SOURCE.replace("int f", "int g").replace("one", "two");
    for triple in fixtures::TRIPLES {
        let alone = translate(&clang, triple, &[("a", SOURCE)]).remove(0);
        let second = translate(
            &clang,
            triple,
            &[("b", SOURCE), ("c", &other), ("a", SOURCE)],
        );
        assert!(alone != second[2], "{triple}");
        assert!(contents(&alone).unwrap() == contents(&second[2]).unwrap());
        for (old, new) in [
            ("i & 1", "i & 3"),
            ("\"abc\"", "\"abd\""),
            ("int x;", "long x;"),
            ("int f(", "int h("),
            (
                "extern struct one *get(",
                "__attribute__((pure)) struct one *get(",
            ),
            ("- i", "+ i"),
            ("static const", "static volatile const"),
        ] {
            assert!(SOURCE.contains(old));
            let changed = SOURCE.replace(old, new);
            let changed = translate(&clang, triple, &[("a", &changed)]).remove(0);
            assert!(
                contents(&alone).unwrap() != contents(&changed).unwrap(),
                "{triple}: {new}"
            );
        }
    }
}

#[test]
fn damaged_bitcode_is_no_panic() {
    fixtures::needs!(clang_22);
    let clang = fixtures::needs::clang_22().unwrap();
    let whole = translate(&clang, "arm64-apple-darwin", &[("a", SOURCE)]).remove(0);
    assert!(contents(&whole).is_some());
    for length in (0..whole.len()).step_by(3) {
        let start = whole.get(..length).unwrap();
        // The end of a wrapper is padded.
        assert!(length > whole.len() - 16 || contents(start).is_none());
    }
    for index in (0..whole.len()).step_by(5) {
        for bit in [1, 0x10, 0x80] {
            let mut bytes = whole.clone();
            bytes[index] ^= bit;
            let _ = contents(&bytes);
        }
    }
    assert_eq!(contents(b""), None);
    assert_eq!(contents(b"; ModuleID = 'text'\n"), None);
}
