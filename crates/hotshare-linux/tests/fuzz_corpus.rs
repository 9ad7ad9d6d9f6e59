//! Every input that a fuzzer or a person found worth keeping, replayed. Needs no root and no fuzzer.

#[path = "../../../tests/fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is public to the fuzz targets")]
mod fuzz;

use std::path::{Path, PathBuf};

fn replay(what: &str, least: usize, how: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(what);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .expect("the corpus is committed")
        .flatten()
        .map(|file| file.path())
        .collect();
    files.sort();
    assert!(files.len() >= least, "{} inputs in {}", files.len(), directory.display());
    for file in files {
        let bytes = std::fs::read(&file).expect("a readable file");
        let outcome = std::panic::catch_unwind(|| how(&bytes));
        assert!(outcome.is_ok(), "{} makes it panic", file.display());
    }
}

#[test]
fn dhcp_inputs_do_no_harm() {
    replay("dhcp", 40, fuzz::dhcp);
}

#[test]
fn dns_inputs_do_no_harm() {
    replay("dns", 40, fuzz::dns);
}

#[test]
fn what_hostapd_says_does_no_harm() {
    // Whole, cut short at every place, and with every byte changed.
    replay("hostapd", 8, |bytes| {
        for length in 0..=bytes.len() {
            fuzz::hostapd(&bytes[..length]);
        }
        for place in 0..bytes.len() {
            for other in [0, b'\n', b'=', b'k', b'9', 0xff] {
                let mut changed = bytes.to_vec();
                changed[place] = other;
                fuzz::hostapd(&changed);
            }
        }
    });
}
