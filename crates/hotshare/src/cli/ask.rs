//! Asks for a passphrase: from a file, from what is piped in, or from whoever sits at the terminal.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::os::fd::AsFd;
use std::path::Path;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

/// No passphrase is longer; what is longer is no passphrase file.
const LONGEST: u64 = 4096;

/// The first line of a file. “-” is standard input; at a terminal it is asked for, and not shown while it is typed.
pub(super) fn secret(file: &Path) -> io::Result<String> {
    if file != Path::new("-") {
        return first_line(File::open(file)?);
    }
    let input = io::stdin();
    if !input.is_terminal() {
        return first_line(input.lock());
    }
    asked("Passphrase: ")
}

/// The same of one that is new: a terminal shows nothing of what is typed, so it is typed there twice.
pub(super) fn new_secret(file: &Path) -> io::Result<String> {
    let first = secret(file)?;
    if file == Path::new("-") && io::stdin().is_terminal() && asked("The same again: ")? != first {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the two are not the same; nothing was changed",
        ));
    }
    Ok(first)
}

fn asked(prompt: &str) -> io::Result<String> {
    let (input, mut error) = (io::stdin(), io::stderr());
    error.write_all(prompt.as_bytes())?;
    error.flush()?;
    let silence = Silence::over(&input)?;
    let mut line = String::new();
    let read = input.read_line(&mut line);
    drop(silence);
    error.write_all(b"\n")?;
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn first_line(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(LONGEST).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silence<T: AsFd> {
    terminal: T,
    before: nix::sys::termios::Termios,
}

impl<T: AsFd> Silence<T> {
    fn over(terminal: T) -> io::Result<Silence<T>> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent)?;
        Ok(Silence { terminal, before })
    }
}

impl<T: AsFd> Drop for Silence<T> {
    fn drop(&mut self) {
        // The terminal may be gone; then there is nothing to give back.
        let _back = tcsetattr(&self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_is_the_first_line() {
        for (text, line) in [("abc\n", "abc"), ("a b c\r\nmore\n", "a b c"), (" abc", " abc"), ("", "")] {
            assert_eq!(first_line(text.as_bytes()).expect("text"), line, "{text:?}");
        }
        assert!(first_line(&b"\xff\xfe"[..]).is_err(), "not text");
    }
}
