//! Every configuration text that a fuzzer or a person found worth keeping: the program reads it or says what
//! is wrong, and never breaks down. Needs no root.

use std::path::Path;
use std::process::Command;

#[test]
fn configuration_texts_are_read_or_refused() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/config");
    let mut count = 0;
    for file in std::fs::read_dir(&directory).expect("the corpus is committed").flatten() {
        count += 1;
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotshare"));
        command.args(["up", "--check", "--lan", "hs-none0", "--config"]).arg(file.path());
        let output = command.output().expect("the program was built");
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(matches!(code, Some(0..=2)), "{}: {code:?} {said}", file.path().display());
        assert!(!said.contains("panicked"), "{}: {said}", file.path().display());
        assert!(!said.chars().any(|c| c.is_control() && c != '\n' && c != '\x1b'), "{said:?}");
    }
    assert!(count >= 10, "{count} texts in {}", directory.display());
}
