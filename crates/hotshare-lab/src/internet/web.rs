//! The web server: `GET /bytes/N` streams N bytes, `POST /sink` swallows a body and answers its length.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::probes;

/// What a download is made of, again and again.
static FILLING: [u8; 1 << 18] = [0x5a; 1 << 18];

type Reply = Response<Either<Stream, Full<Bytes>>>;

pub(super) async fn serve(at: Ipv4Addr, port: u16) -> Result<()> {
    let listener = TcpListener::bind((at, port))
        .await
        .with_context(|| format!("the web server cannot listen at {at}:{port}"))?;
    tokio::spawn(async move {
        loop {
            // A connection reset before it was accepted is no reason to stop serving.
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let serving = hyper::server::conn::http1::Builder::new()
                    .max_buf_size(1 << 20)
                    .serve_connection(TokioIo::new(stream), service_fn(answer));
                // Clients that break off are what this server is for.
                drop(serving.await);
            });
        }
    });
    Ok(())
}

async fn answer(request: Request<Incoming>) -> Result<Reply, Infallible> {
    let path = request.uri().path();
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Some((code, body)) = probes::answer(host, path) {
        let code = StatusCode::from_u16(code).unwrap_or(StatusCode::OK);
        return Ok(text(code, body.to_owned()));
    }
    let wanted = path.strip_prefix("/bytes/").and_then(|n| n.parse().ok());
    Ok(match (request.method(), wanted) {
        (&Method::GET, Some(left)) => Response::new(Either::Left(Stream { left })),
        (&Method::POST, _) if path == "/sink" => sink(request.into_body()).await,
        (&Method::GET, _) if path == "/" => text(StatusCode::OK, "the laboratory's Internet\n".to_owned()),
        _ => text(StatusCode::NOT_FOUND, "there is GET /bytes/N and POST /sink\n".to_owned()),
    })
}

async fn sink(mut body: Incoming) -> Reply {
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { break }; // the client broke off: nobody reads the answer
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    text(StatusCode::OK, format!("{count}\n"))
}

fn text(status: StatusCode, text: String) -> Reply {
    let mut reply = Response::new(Either::Right(Full::new(Bytes::from(text))));
    *reply.status_mut() = status;
    reply
}

/// A body of a given length, made without copying.
struct Stream {
    left: u64,
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = usize::try_from(self.left).unwrap_or(usize::MAX).min(FILLING.len());
        self.left -= size as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&FILLING[..size])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
