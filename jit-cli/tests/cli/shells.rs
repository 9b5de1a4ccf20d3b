//! What shells and `man` know of the command line.

use std::{fs, process::Command};

use crate::sandbox::Sandbox;

/// Returns the names of the commands that `--help` lists.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = sandbox.run(&["--help"]).succeeds().stdout;
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let list = rest.lines().take_while(|line| !line.is_empty());
    // Descriptions go on further to the right.
    let names = list.filter(|line| !line.starts_with("   "));
    let names = names.map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

#[test]
fn bash_completes() {
    let sandbox = Sandbox::new();
    let script = sandbox.run(&["completions", "bash"]).succeeds().stdout;
    sandbox.write("script", script);
    // What bash does when Tab is pressed at the end of these words.
    let complete = |words: &[&str]| {
        let last = words.len() - 1;
        let text = format!(
            "source ./script; COMP_WORDS=({}); COMP_CWORD={last}
             function=$(complete -p jit-cli | sed 's/.*-F \\([^ ]*\\).*/\\1/')
             $function jit-cli \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last} - 1]}}\"
             echo \"${{COMPREPLY[@]}}\"",
            words.join(" ")
        );
        let output = Command::new("bash")
            .args(["--norc", "-c", &text])
            .current_dir(sandbox.path("."))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete(&["jit-cli", "rep"]), "report");
    assert_eq!(complete(&["jit-cli", "report", "--bef"]), "--before");
    assert_eq!(complete(&["jit-cli", "size", "--by", "fam"]), "family");
    assert_eq!(
        complete(&["jit-cli", "sysroot", "check", "--rea"]),
        "--real"
    );
    let all = complete(&["jit-cli", "''"]);
    let all: Vec<&str> = all.split(' ').collect();
    for command in commands(&sandbox) {
        assert!(all.contains(&&*command), "{command} is not in {all:?}");
    }
}

#[test]
fn each_shell_has_a_script() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.run(&["completions", shell]).succeeds().stdout;
        for command in commands(&sandbox) {
            assert!(script.contains(&command), "{shell} {command}");
        }
    }
    let message = sandbox.run(&["completions", "tcsh"]).fails(2);
    assert!(message.contains("[possible values: bash"), "{message}");
}

#[test]
fn each_command_has_a_page() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["man", "-o", "man"]);
    run.env("JIT_CACHE_DIR", "/nowhere/at/all").succeeds();
    let mut expected: Vec<String> = commands(&sandbox)
        .iter()
        .map(|command| format!("jit-cli-{command}.1"))
        .collect();
    expected.extend(["jit-cli.1", "jit-cli-sysroot-check.1"].map(str::to_owned));
    expected.sort();
    let files = sandbox.files("man");
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    for (name, text) in &files {
        let text = String::from_utf8(text.clone()).unwrap();
        let title = name.strip_suffix(".1").unwrap();
        assert!(text.contains(&format!(".TH {title} 1")), "{text}");
        // Nothing of the machine that they are made on.
        assert!(!text.contains("/nowhere"), "{text}");
    }
    let report = fs::read_to_string(sandbox.path("man/jit-cli-report.1")).unwrap();
    assert!(report.contains("\\-\\-before"), "{report}");
}
