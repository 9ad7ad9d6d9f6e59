//! Whatever is drawn is read again, by a decoder that knows nothing of how it was drawn.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Decodes a picture; `dark` says which pixels are.
fn decoded(width: usize, height: usize, dark: impl Fn(usize, usize) -> bool) -> String {
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| if dark(x, y) { 0 } else { 255 });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code in the picture");
    grids[0].decode().expect("readable").1
}

/// Reads the code off a terminal: what a camera sees, four pixels to half a cell.
pub(in crate::cli) fn seen_on_terminal(screen: &str) -> String {
    let plain = anstream::adapter::strip_str(screen).to_string();
    let lines: Vec<Vec<char>> = plain
        .lines()
        .filter(|line| !line.is_empty() && line.chars().all(|c| " █▀▄".contains(c)))
        .map(|line| line.chars().collect())
        .collect();
    let width = lines.iter().map(Vec::len).max().expect("lines");
    decoded(width * 4, lines.len() * 8, |x, y| {
        let cell = lines[y / 8].get(x / 4).copied().unwrap_or(' ');
        let light = match cell {
            '█' => true,
            '▀' => y % 8 < 4,
            '▄' => y % 8 >= 4,
            _ => false,
        };
        !light
    })
}

pub(in crate::cli) fn seen_in_png(file: &[u8]) -> String {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().expect("a PNG file");
    let mut pixels = vec![0; reader.output_buffer_size().expect("it fits")];
    let frame = reader.next_frame(&mut pixels).expect("an image");
    let (width, height) = (frame.width as usize, frame.height as usize);
    decoded(width, height, |x, y| pixels[y * frame.line_size + x] < 128)
}

/// Draws the rectangles of the path as an SVG viewer would.
pub(in crate::cli) fn seen_in_svg(document: &str) -> String {
    let attribute = |name: &str| {
        let from = document.find(&format!("{name}=\"")).expect(name) + name.len() + 2;
        &document[from..from + document[from..].find('"').expect("closed")]
    };
    let side: usize = attribute("width").parse().expect("a number");
    let path = document.split("<path").nth(1).expect("a path");
    let path = path.split(" d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its steps");
    let mut dark = vec![false; side * side];
    for step in path.split('M').filter(|step| !step.trim().is_empty()) {
        let numbers: Vec<usize> = step
            .split(|c: char| !c.is_ascii_digit())
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().expect("a number"))
            .collect();
        let [x, y, w, h, ..] = numbers[..] else { panic!("{step}") };
        for row in y..y + h {
            dark[row * side + x..row * side + x + w].fill(true);
        }
    }
    decoded(side, side, |x, y| dark[y * side + x])
}

const TEXT: &str = "WIFI:T:WPA;S:Hotshare-3F2A;P:unlocked-trombone-celery-poking-vanity;;";

#[test]
fn what_is_drawn_can_be_read() {
    for text in [TEXT, "WIFI:T:WPA;S:小明的网络\\;;P:\\;\\:\\,\\\\ \\\"12345678;;", &TEXT.repeat(4)] {
        assert_eq!(seen_on_terminal(&on_terminal(text, 200).expect("wide enough")), text);
        assert_eq!(seen_in_png(&png(text).expect("drawn")), text);
        assert_eq!(seen_in_svg(&svg(text).expect("drawn")), text);
    }
}

#[test]
fn a_terminal_too_narrow_gets_none() {
    let drawn = on_terminal(TEXT, 80).expect("a usual terminal is wide enough");
    let plain = anstream::adapter::strip_str(&drawn).to_string();
    let width = plain.lines().next().expect("a line").chars().count();
    assert!(on_terminal(TEXT, width).is_some());
    assert_eq!(on_terminal(TEXT, width - 1), None);
    // Four light modules around it, and the colours said, not assumed.
    assert!(plain.lines().take(2).all(|line| line.chars().all(|c| c == '█')), "{plain}");
    assert!(plain.lines().all(|line| line.starts_with("████") && line.ends_with("████")), "{plain}");
    assert!(drawn.lines().all(|line| line.starts_with("\u{1b}[") && line.ends_with("\u{1b}[0m")));
}

#[test]
fn files_are_private_even_where_one_was_public() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("anna.svg");
    std::fs::write(&path, "old").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("opened up");
    write_private(&path, b"new").expect("written");
    assert_eq!(std::fs::read(&path).expect("there"), b"new");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
    let no = write_private(&folder.path().join("not there/anna.svg"), b"x").expect_err("no such folder");
    assert!(format!("{no:?}").contains("cannot write"), "{no:?}");
}
