//! Stations that ask over TCP.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Connections at once, of everybody and of one station.
pub(super) const MOST_CONNECTIONS: usize = 32;
pub(super) const MOST_OF_ONE: usize = 4;
/// A connection that asks nothing for so long is closed (RFC 7766, section 6.2.3: a few seconds), and so
/// is one that does not take or finish what it began.
const PATIENCE: Duration = Duration::from_secs(8);
/// Questions of one connection.
const MOST_QUESTIONS: usize = 100;
/// A query is small; whoever sends more wants something else.
const LONGEST: u16 = 4096;

/// A query that came over TCP.
pub(super) struct Asking {
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
    /// Dropped without an answer when there is none: the connection ends.
    pub(super) answer: oneshot::Sender<Vec<u8>>,
}

/// Serves one connection, a question at a time. Ends when the station does, or is too slow.
pub(super) async fn converse(
    mut stream: TcpStream,
    from: SocketAddr,
    ask: mpsc::Sender<Asking>,
) -> SocketAddr {
    for _ in 0..MOST_QUESTIONS {
        let Ok(Some(bytes)) = timeout(PATIENCE, read(&mut stream)).await else { break };
        let (answer, answered) = oneshot::channel();
        if ask.send(Asking { from, bytes, answer }).await.is_err() {
            break;
        }
        let Ok(answer) = answered.await else { break };
        if !matches!(timeout(PATIENCE, write(&mut stream, &answer)).await, Ok(Some(()))) {
            break;
        }
    }
    from
}

async fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let length = stream.read_u16().await.ok().filter(|length| *length <= LONGEST)?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

/// Length and message in one write, so that they leave in one segment.
async fn write(stream: &mut TcpStream, answer: &[u8]) -> Option<()> {
    let length = u16::try_from(answer.len()).ok()?;
    stream.write_all(&[&length.to_be_bytes()[..], answer].concat()).await.ok()
}
