//! A thread that lives in a network namespace and runs tasks there: sockets that a task makes belong to it.

use std::future::Future;
use std::net::Ipv4Addr;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use nix::sched::CloneFlags;
use nlink::netlink::namespace::Netns;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The thread, its runtime, and the way to end both.
#[derive(Debug)]
pub struct Inside {
    space: Netns,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Inside {
    /// Enters a namespace that `ip netns` knows by this name.
    pub fn enter(name: &str) -> Result<Inside> {
        let space = Netns::open(name).with_context(|| format!("open namespace {name}"))?;
        let door = space.try_clone()?;
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name(name.chars().skip(13).collect()).spawn(move || {
            let runtime = nix::sched::setns(&door, CloneFlags::CLONE_NEWNET)
                .map_err(std::io::Error::from)
                .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
            // Not held while the thread works: a deleted namespace should go when its last socket does.
            drop(door);
            match runtime {
                Err(error) => drop(ready.send(Err(error))),
                Ok(runtime) => {
                    drop(ready.send(Ok(runtime.handle().clone())));
                    // Whether told to stop or abandoned, the end is the same.
                    drop(runtime.block_on(stopped));
                    runtime.shutdown_background();
                }
            }
        })?;
        let handle = is_ready.recv().context("the namespace's thread ended at once")??;
        Ok(Inside { space, handle, stop: Some(stop), thread: Some(thread) })
    }

    /// The namespace.
    #[must_use]
    pub fn space(&self) -> &Netns {
        &self.space
    }

    /// A way into the namespace that can be handed on.
    #[must_use]
    pub fn way(&self) -> Way {
        Way(self.handle.clone())
    }

    /// Starts a task in the namespace.
    pub fn start<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.handle.spawn(task)
    }

    /// Runs a task in the namespace to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let name = self.space.label().to_owned();
        self.start(task).await.map_err(|end| anyhow!("a task in {name} ended early: {end}"))?
    }
}

/// Makes connections in a namespace, for tasks that live elsewhere.
#[derive(Clone, Debug)]
pub struct Way(Handle);

impl Way {
    /// A connection from the namespace, for the caller's own runtime.
    pub async fn connect(&self, target: (Ipv4Addr, u16)) -> Result<TcpStream> {
        let made = self.0.spawn(async move { TcpStream::connect(target).await?.into_std() });
        let stream = made.await.context("the namespace is gone")?;
        Ok(TcpStream::from_std(stream.with_context(|| format!("connect to {}:{}", target.0, target.1))?)?)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has already been printed; there is nothing to add.
            drop(thread.join());
        }
    }
}
