//! The owner's browser on the machine itself, as far as it goes without one: forms with their tokens, and pages.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::box_::Hotspot;

/// Four words that no list of passwords has.
const PASSWORD: &str = "bicycle walnut harbour umbrella";

/// Somebody who is logged in.
#[derive(Debug)]
pub(crate) struct Owner {
    /// Host and port, as the link has them.
    authority: String,
    cookie: String,
}

/// A page, or where it is.
#[derive(Debug)]
struct Reply {
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn is(&self, status: u16) -> bool {
        self.head.split(' ').nth(1) == Some(&status.to_string())
    }
}

impl Owner {
    /// By the link that the command line prints, with a password.
    pub(crate) async fn enter(hotspot: &Hotspot) -> Result<Owner> {
        let said = hotspot.say(&["access", "link"]).await?;
        let links = said.out.split_whitespace().filter_map(|word| word.strip_prefix("http://"));
        let link = links.filter(|link| link.contains(":4680/")).find_map(|link| link.split_once('/'));
        let (authority, path) = link.with_context(|| format!("no link: {said:?}"))?;
        let mut owner = Owner { authority: authority.to_owned(), cookie: String::new() };
        let reply = owner
            .send("POST", &format!("/{path}"), &[("password", PASSWORD), ("repeated", PASSWORD)])
            .await?;
        let cookie = reply.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        owner.cookie = cookie.with_context(|| format!("no session: {reply:?}"))?.to_owned();
        Ok(owner)
    }

    /// The text of a page.
    pub(crate) async fn page(&self, path: &str) -> Result<String> {
        let reply = self.send("GET", path, &[]).await?;
        ensure!(reply.is(200), "{path}: {reply:?}");
        Ok(reply.body)
    }

    /// Fills a form on a page and sends it. What it leads to, or what it shows at once.
    pub(crate) async fn fill(&self, on: &str, action: &str, fields: &[(&str, &str)]) -> Result<String> {
        let page = self.page(on).await?;
        ensure!(page.contains(&format!("action=\"{action}\"")), "{on} has no form for {action}:\n{page}");
        let token = between(&page, "name=\"csrf\" value=\"", "\"").context("a form without a token")?;
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", token)]).collect();
        let reply = self.send("POST", action, &fields).await?;
        if reply.is(200) {
            return Ok(reply.body);
        }
        let place = reply.header("location").with_context(|| format!("{action}: {reply:?}"))?;
        self.page(place).await
    }

    async fn send(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Result<Reply> {
        let fields: Vec<String> =
            fields.iter().map(|(key, value)| format!("{key}={}", plus(value))).collect();
        let (authority, cookie, body) = (&self.authority, &self.cookie, fields.join("&"));
        let port = authority.rsplit_once(':').context("a port")?.1.parse::<u16>()?;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {authority}\r\norigin: http://{authority}\r\ncookie: {cookie}\r\n\
             accept: text/html\r\naccept-language: en\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        let text = String::from_utf8(bytes)?;
        let (head, body) = text.split_once("\r\n\r\n").context("a head and a body")?;
        Ok(Reply { head: head.to_owned(), body: body.to_owned() })
    }
}

/// What stands in a page between two texts.
pub(crate) fn between<'a>(page: &'a str, before: &str, after: &str) -> Option<&'a str> {
    page.split_once(before)?.1.split_once(after).map(|(inside, _)| inside)
}

fn plus(value: &str) -> String {
    value.replace(' ', "+")
}
