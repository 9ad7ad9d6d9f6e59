//! What a modem answers at its serial port (3GPP TS 27.007, ITU-T V.250): as much of it as `ModemManager` needs to find it,
//! its SIM and its network.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;

/// `+CREG`: registered, at home and abroad, and not registered but searching.
pub const HOME: u8 = 1;
pub const SEARCHING: u8 = 2;
pub const ROAMING: u8 = 5;

/// What can be changed while it runs.
#[derive(Clone, Debug)]
pub struct Inserted {
    /// 20 digits at most.
    pub number: &'static str,
    pub network: u8,
}

/// A port, and who answers at it.
pub struct Firmware {
    inserted: Arc<Mutex<Inserted>>,
    port: Option<File>,
    /// As long as this is open, who answers does not see the port closed.
    held: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    /// The port's device.
    pub path: PathBuf,
}

impl Firmware {
    pub fn start(inserted: Inserted) -> Result<Firmware> {
        let pty = openpty(None, None).context("make a serial port")?;
        // Whoever is started later must not keep it open.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        let mut how = tcgetattr(&pty.slave)?;
        cfmakeraw(&mut how);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &how)?;
        let path = ttyname(&pty.slave)?;
        let port = File::from(pty.master);
        let inserted = Arc::new(Mutex::new(inserted));
        let (at, is) = (port.try_clone()?, Arc::clone(&inserted));
        let thread = std::thread::Builder::new().name("firmware".into()).spawn(move || answer(at, &is))?;
        Ok(Firmware { inserted, port: Some(port), held: Some(pty.slave), thread: Some(thread), path })
    }

    /// Another SIM: nobody is told, but who asks hears it.
    pub fn insert(&self, number: &'static str) {
        self.inserted.lock().unwrap_or_else(PoisonError::into_inner).number = number;
    }

    /// Another network: told at once, as modems do.
    pub fn register(&self, network: u8) -> Result<()> {
        self.inserted.lock().unwrap_or_else(PoisonError::into_inner).network = network;
        let mut port = self.port.as_ref().context("there is no port")?;
        for kind in ["CREG", "CGREG"] {
            write!(port, "\r\n+{kind}: {network},\"0001\",\"00000001\"\r\n")?;
        }
        Ok(())
    }
}

impl Drop for Firmware {
    fn drop(&mut self) {
        drop((self.port.take(), self.held.take()));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Until nobody has the port open.
fn answer(mut port: File, inserted: &Mutex<Inserted>) {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while let Ok(1) = port.read(&mut byte) {
        if byte[0] != b'\r' {
            line.push(byte[0]);
            continue;
        }
        let asked = String::from_utf8_lossy(&line).trim().to_ascii_uppercase();
        line.clear();
        if asked.is_empty() {
            continue;
        }
        let inserted = inserted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reply = reply(&asked, &inserted);
        if write!(port, "\r\n{reply}\r\n").is_err() {
            return;
        }
    }
}

/// What is only taken note of.
const DONE: [&str; 12] = [
    "ATE",
    "ATV",
    "ATX",
    "ATZ",
    "AT&",
    "ATH",
    "AT+CMEE=",
    "AT+CREG=2",
    "AT+CGREG=2",
    "AT+CREG=0",
    "AT+CGREG=0",
    "AT+COPS=3,",
];

fn reply(asked: &str, Inserted { number, network }: &Inserted) -> String {
    let told = match asked {
        "AT" => String::new(),
        "AT+GCAP" => "+GCAP: +CGSM".into(),
        "AT+CGMI" => "Hotshare".into(),
        "AT+CGMM" => "Laboratory".into(),
        "AT+CGMR" => "1".into(),
        "AT+CGSN" => "353338000000001".into(),
        "AT+CPIN?" => "+CPIN: READY".into(),
        "AT+CFUN?" => "+CFUN: 1".into(),
        "AT+CFUN=1" | "AT+CFUN=4" => String::new(),
        "AT+WS46=?" => "+WS46: (12,22,25)".into(),
        "AT+CSQ" => "+CSQ: 20,99".into(),
        "AT+CGDCONT=?" => "+CGDCONT: (1-16),\"IP\",,,(0-2),(0-4)".into(),
        // Of this card's own: the last digits of its number.
        "AT+CIMI" => format!("26201{}", &number[number.len() - 10..]),
        // The file EF-ICCID (3GPP TS 31.102, 4.2.2): the digits in pairs, each turned around.
        "AT+CRSM=176,12258,0,0,10" => format!("+CRSM: 144,0,\"{}\"", swapped(number)),
        "AT+CREG?" => format!("+CREG: 2,{network},\"0001\",\"00000001\""),
        "AT+CGREG?" => format!("+CGREG: 2,{network},\"0001\",\"00000001\""),
        "AT+COPS?" if *network == HOME => "+COPS: 0,2,\"26201\",2".into(),
        "AT+COPS?" if *network == ROAMING => "+COPS: 0,2,\"20801\",2".into(),
        "AT+COPS?" => "+COPS: 0".into(),
        other if DONE.iter().any(|word| other.starts_with(word)) => String::new(),
        _ => return "ERROR".into(),
    };
    if told.is_empty() { "OK".into() } else { format!("{told}\r\n\r\nOK") }
}

fn swapped(number: &str) -> String {
    let padded = format!("{number:F<20}");
    let pairs = padded.as_bytes().chunks_exact(2);
    pairs.flat_map(|pair| [char::from(pair[1]), char::from(pair[0])]).collect()
}
