//! The programs' places on the interfaces: tcx links, pinned, so that they stay when the daemon dies.
//!
//! A link whose interface is deleted stays pinned but is severed for ever, also when an interface of the same
//! name and index comes back. What counts is therefore what runs on the interface now, as the kernel lists it.

use std::path::{Path, PathBuf};

use aya::Ebpf;
use aya::programs::links::{FdLink, LinkError, LinkOrder, PinnedLink};
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::{ProgramError, SchedClassifier, TcAttachType};
use nix::net::if_::{if_indextoname, if_nametoindex};

use super::error::MeterError;
use super::pins::unpin;

/// Which side of the box an interface is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Lan,
    Uplink,
    /// Where slowed packets come out of the queue.
    QueueOut,
    /// Where they go into it.
    QueueIn,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::QueueIn, Role::QueueOut, Role::Lan, Role::Uplink];

    /// The charge point comes first: what the other one lets in is then charged already.
    fn hooks(self) -> &'static [Hook] {
        match self {
            Role::Lan => &[LAN_OUT, LAN_IN],
            Role::Uplink => &[UPLINK_OUT, UPLINK_IN],
            Role::QueueOut => &[QUEUE_OUT],
            Role::QueueIn => &[QUEUE_IN],
        }
    }
}

/// One program and where it hangs. Its pin is `link_` and its name.
#[derive(Clone, Copy)]
pub(super) struct Hook {
    pub(super) name: &'static str,
    way: TcAttachType,
}

const LAN_IN: Hook = Hook { name: "lan_in", way: TcAttachType::Ingress };
const LAN_OUT: Hook = Hook { name: "lan_out", way: TcAttachType::Egress };
const UPLINK_IN: Hook = Hook { name: "uplink_in", way: TcAttachType::Ingress };
const UPLINK_OUT: Hook = Hook { name: "uplink_out", way: TcAttachType::Egress };
const QUEUE_OUT: Hook = Hook { name: "queue_out", way: TcAttachType::Ingress };
const QUEUE_IN: Hook = Hook { name: "queue_in", way: TcAttachType::Ingress };
pub(super) const HOOKS: [Hook; 6] = [LAN_IN, LAN_OUT, UPLINK_IN, UPLINK_OUT, QUEUE_OUT, QUEUE_IN];

impl Hook {
    /// First to see what comes in, last to see what goes out: nobody changes a packet behind the charge.
    fn order(self) -> LinkOrder {
        if self.way == TcAttachType::Ingress { LinkOrder::first() } else { LinkOrder::last() }
    }

    fn pin(self, dir: &Path) -> PathBuf {
        dir.join(format!("link_{}", self.name))
    }
}

pub(super) fn program<'a>(
    ebpf: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut SchedClassifier, MeterError> {
    let program = ebpf.program_mut(name).ok_or(MeterError::Missing { name })?;
    program.try_into().map_err(|source| MeterError::Program { name, source: Box::new(source) })
}

fn interface(ifindex: u32) -> Result<String, MeterError> {
    // nix 0.31 does not see that there is none, and says "".
    if_indextoname(ifindex)
        .ok()
        .and_then(|name| name.into_string().ok())
        .filter(|name| !name.is_empty())
        .ok_or(MeterError::NoInterface { ifindex })
}

pub(super) fn attach(ebpf: &mut Ebpf, dir: &Path, role: Role, ifindex: u32) -> Result<(), MeterError> {
    let name = interface(ifindex)?;
    for hook in role.hooks() {
        attach_one(ebpf, dir, *hook, &name)?;
    }
    // aya attaches by name; a name can move to another interface at any moment.
    if if_nametoindex(name.as_str()) == Ok(ifindex) {
        return Ok(());
    }
    detach(dir, role)?;
    Err(MeterError::NoInterface { ifindex })
}

fn attach_one(ebpf: &mut Ebpf, dir: &Path, hook: Hook, interface: &str) -> Result<(), MeterError> {
    let path = hook.pin(dir);
    let refused = |source: ProgramError| MeterError::Attach {
        name: hook.name,
        interface: interface.to_owned(),
        source: Box::new(source),
    };
    let program = program(ebpf, hook.name)?;
    if let Some(link) = pinned(&path)? {
        let on_it = program_id(&link, &path)?;
        if runs_on(interface, hook, on_it).map_err(refused)? {
            if on_it == program.info().map_err(refused)?.id() {
                return Ok(()); // this very program: nothing to do
            }
            // One system call replaces the program; no packet sees neither or both.
            if let Ok(link) = SchedClassifierLink::try_from(link)
                && let Ok(id) = program.attach_to_link(link)
            {
                // Forgotten here, kept by its pin.
                drop(program.take_link(id).map_err(refused)?);
                return Ok(());
            }
        }
    }
    let options = TcAttachOptions::TcxOrder(hook.order());
    let id = program.attach_with_options(interface, hook.way, options).map_err(refused)?;
    let link: FdLink = program
        .take_link(id)
        .map_err(refused)?
        .try_into()
        .map_err(|source| MeterError::PinnedLink { path: path.clone(), source })?;
    release(&path)?;
    link.pin(&path).map_err(|e| MeterError::Link { path, source: std::io::Error::other(e) })?;
    Ok(())
}

/// `None`: nothing is pinned there.
fn pinned(path: &Path) -> Result<Option<FdLink>, MeterError> {
    match PinnedLink::from_pin(path) {
        Ok(link) => Ok(Some(link.into())),
        Err(LinkError::SyscallError(e)) if e.io_error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(MeterError::PinnedLink { path: path.to_owned(), source }),
    }
}

fn program_id(link: &FdLink, path: &Path) -> Result<u32, MeterError> {
    link.info()
        .map(|i| i.program_id())
        .map_err(|source| MeterError::PinnedLink { path: path.to_owned(), source })
}

fn runs_on(interface: &str, hook: Hook, program_id: u32) -> Result<bool, ProgramError> {
    let (_, running) = SchedClassifier::query_tcx(interface, hook.way)?;
    Ok(running.iter().any(|p| p.id() == program_id))
}

/// Whether the programs of `role` run on this very interface.
pub(super) fn is_attached(dir: &Path, role: Role, ifindex: u32) -> Result<bool, MeterError> {
    let Ok(name) = interface(ifindex) else { return Ok(false) };
    for hook in role.hooks() {
        let path = hook.pin(dir);
        let Some(link) = pinned(&path)? else { return Ok(false) };
        let id = program_id(&link, &path)?;
        let refused = |source| MeterError::Attach {
            name: hook.name,
            interface: name.clone(),
            source: Box::new(source),
        };
        if !runs_on(&name, *hook, id).map_err(refused)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes the programs of `role` off their interface. That there are none is fine.
pub(super) fn detach(dir: &Path, role: Role) -> Result<(), MeterError> {
    // The reverse order of attaching.
    role.hooks().iter().rev().try_for_each(|hook| release(&hook.pin(dir)))
}

/// Unpins while the link is held open: closing it then detaches at once, where a bare unlink leaves it to a
/// kernel worker.
fn release(path: &Path) -> Result<(), MeterError> {
    let held = pinned(path)?;
    unpin(path)?;
    drop(held);
    Ok(())
}
