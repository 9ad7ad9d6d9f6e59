//! Every input that a fuzzer or a person found worth keeping, replayed. Needs no root and no fuzzer.

#[path = "../../../tests/fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is public to the fuzz targets")]
mod fuzz;

use std::path::{Path, PathBuf};

fn replay(what: &str, how: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(what);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .expect("the corpus is committed")
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    assert!(files.len() >= 40, "{} inputs in {}", files.len(), directory.display());
    for file in files {
        let bytes = std::fs::read(&file).expect("a readable file");
        let outcome = std::panic::catch_unwind(|| how(&bytes));
        assert!(outcome.is_ok(), "{} makes it panic", file.display());
    }
}

#[test]
fn dhcp_inputs_do_no_harm() {
    replay("dhcp", fuzz::dhcp);
}

#[test]
fn dns_inputs_do_no_harm() {
    replay("dns", fuzz::dns);
}
