//! Words that must not be in the tree: work left undone, switched-off tests, places on one machine.

use super::Complaint;
use super::tree::Tree;

/// In Rust files. In pieces, so that this file does not hold them itself.
const UNDONE: [(&str, &str); 6] = [
    (concat!("TO", "DO"), "finish it, or open an issue"),
    (concat!("FIX", "ME"), "finish it, or open an issue"),
    (concat!("todo", "!"), "finish it"),
    (concat!("unimplemented", "!"), "finish it"),
    (concat!("dbg", "!("), "left over from looking for a fault"),
    (concat!("#[ig", "nore"), "a test that does not run proves nothing"),
];

/// In the product. What several tests share is not used by each of them.
const UNUSED: &str = concat!("allow(dead", "_code");

/// In any file, compiled ones too.
const PLACES: [&str; 3] = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];

/// Where every dependency comes from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts("rs") {
        let is_product = path.iter().nth(2).is_some_and(|folder| folder == "src");
        for (number, line) in (1..).zip(text.lines()) {
            if is_product && line.contains(UNUSED) {
                complaints.push(Complaint::new(path, number, "remove what nobody uses"));
            }
            for (word, advice) in UNDONE {
                if line.contains(word) {
                    complaints.push(Complaint::new(path, number, format!("{word}: {advice}")));
                }
            }
        }
    }
    for (path, bytes) in tree.files() {
        for place in PLACES {
            if bytes.windows(place.len()).any(|window| window == place.as_bytes()) {
                let what = format!("{place} is a place on one machine");
                complaints.push(Complaint::new(path, line_of(bytes, place), what));
            }
        }
    }
    for (path, text) in tree.texts("lock") {
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with("source = ") && !line.contains(REGISTRY) {
                complaints.push(Complaint::new(path, number, "a dependency from another place"));
            }
        }
    }
    complaints
}

/// The line of the first hit, when the file is text.
fn line_of(bytes: &[u8], word: &str) -> usize {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| (1..).zip(text.lines()).find(|(_, line)| line.contains(word)))
        .map_or(0, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undone_work_and_machine_paths_are_found_with_their_lines() {
        let left_over = format!("fn a() {{}}\n// {}: later\n", UNDONE[0].0);
        let object = format!("\u{7f}ELF\u{0}{}src/meter.c\u{0}", PLACES[2]);
        let tree = Tree::of(&[("a.rs", &left_over), ("meter.o", &object)]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 2);
        assert_eq!(complaints[0].line, 2);
    }

    #[test]
    fn dependencies_come_from_one_place() {
        let tree = Tree::of(&[("Cargo.lock", "source = \"git+https://example.org/x\"\n")]);
        assert_eq!(check(&tree).len(), 1);
    }
}
