//! QR codes: on a terminal, and as files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anstyle::{Ansi256Color, Style};
use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode};

use super::stop::Stop;

/// Light modules around the code on every side (ISO/IEC 18004, 9.1).
const QUIET: usize = 4;
/// Of an image: the width of a module.
const PIXELS: usize = 8;

/// White on black, whatever the theme. Where colours are left out, ink is light: right on dark terminals, and
/// inverted on light ones, which phones read too.
const INK: Style = Style::new().fg_color(Some(color(231))).bg_color(Some(color(16)));

const fn color(n: u8) -> anstyle::Color {
    anstyle::Color::Ansi256(Ansi256Color(n))
}

/// The code as lines of half blocks, two rows of modules in each; `None` when it is wider than `width`.
pub(super) fn on_terminal(text: &str, width: usize) -> Option<String> {
    // A screen has no stains: the lowest level gives the smallest code.
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let grid = Grid::of(&code);
    if grid.side > width {
        return None;
    }
    let mut out = String::new();
    for y in (0..grid.side).step_by(2) {
        let cells = (0..grid.side).map(|x| match (grid.is_light(x, y), grid.is_light(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        let line: String = cells.collect();
        // Writing to a string cannot fail.
        let _written = writeln!(out, "{INK}{line}{INK:#}");
    }
    Some(out)
}

/// The code as an SVG document.
pub(super) fn svg(text: &str) -> Result<String, Stop> {
    let code = on_paper(text)?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(400, 400).quiet_zone(true).build() + "\n")
}

/// The code as a PNG image, black on white.
pub(super) fn png(text: &str) -> Result<Vec<u8>, Stop> {
    let failed = |e: &(dyn std::error::Error + 'static)| Stop::because("cannot draw the QR code", e);
    let grid = Grid::of(&on_paper(text)?);
    let side = grid.side * PIXELS;
    // With 8 pixels to a module and 1 bit to a pixel, each module is a byte.
    let rows = (0..grid.side).map(|y| {
        let row = (0..grid.side).map(|x| if grid.is_light(x, y) { 0xFF } else { 0 });
        row.collect::<Vec<u8>>().repeat(PIXELS)
    });
    let pixels = rows.collect::<Vec<_>>().concat();
    let side = u32::try_from(side).map_err(|e| failed(&e))?;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(|e| failed(&e))?;
    writer.write_image_data(&pixels).map_err(|e| failed(&e))?;
    writer.finish().map_err(|e| failed(&e))?;
    Ok(file)
}

/// Writes a file that only its owner may read. One that is there is replaced, whoever could read it.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let failed = |e| Stop::because(&format!("cannot write {}", path.display()), &e);
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = Path::new(&beside);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(beside, path));
    written.map_err(|e| {
        // What was begun is of no use; that it could not be removed changes nothing.
        let _removed = std::fs::remove_file(beside);
        failed(e)
    })
}

fn on_paper(text: &str) -> Result<QrCode, Stop> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    code.map_err(|e| Stop::because("cannot make the QR code", &e))
}

/// The modules, with the quiet zone around them.
struct Grid {
    side: usize,
    modules: usize,
    dark: Vec<bool>,
}

impl Grid {
    fn of(code: &QrCode) -> Grid {
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Grid { side: code.width() + 2 * QUIET, modules: code.width(), dark }
    }

    fn is_light(&self, x: usize, y: usize) -> bool {
        let inside = |n: usize| n.checked_sub(QUIET).filter(|n| *n < self.modules);
        let (Some(x), Some(y)) = (inside(x), inside(y)) else { return true };
        !self.dark.get(y * self.modules + x).copied().unwrap_or(false)
    }
}

#[cfg(test)]
pub(super) mod tests;
