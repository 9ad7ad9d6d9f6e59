//! A mail through the owner's SMTP server. One connection for each alert.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hotshare_core::alert::Alert;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use crate::{NotSent, OpenError, chain, secret, tls};

/// How the connection to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS after a greeting in the clear; without it nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None at all: the owner said so.
    None,
}

impl Security {
    /// The usual port.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::None => 25,
        }
    }
}

/// Where to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailConfig {
    pub server: String,
    pub port: u16,
    pub security: Security,
    pub from: String,
    pub to: Vec<String>,
    /// With the file that holds the password.
    pub login: Option<(String, PathBuf)>,
    /// Trust only these certificates.
    pub ca_file: Option<PathBuf>,
    /// For each step of the conversation.
    pub timeout: Duration,
}

/// See the module.
#[derive(Clone)]
pub struct Mail {
    config: MailConfig,
    from: Mailbox,
    to: Vec<Mailbox>,
    tls: Option<TlsParameters>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mail").field(&self.config).finish()
    }
}

/// Whether this is a mail address, such as `anna@example.org` or `Anna <anna@example.org>`.
#[must_use]
pub fn is_address(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

impl Mail {
    /// Checks everything that can be checked without the server.
    pub fn open(config: &MailConfig) -> Result<Mail, OpenError> {
        let mailbox = |text: &String| {
            text.parse::<Mailbox>().map_err(|e| OpenError::Setting(format!("{text} is no mail address: {e}")))
        };
        if let Some((_, path)) = &config.login {
            secret::check(path)?;
        }
        let tls = match config.security {
            Security::None => None,
            Security::StartTls | Security::Tls => Some(parameters(config)?),
        };
        let to = config.to.iter().map(mailbox).collect::<Result<_, _>>()?;
        Ok(Mail { from: mailbox(&config.from)?, to, tls, config: config.clone() })
    }

    /// Sends one alert.
    pub async fn send(&self, alert: &Alert) -> Result<(), NotSent> {
        let message = self.message(alert)?;
        let transport = self.transport()?;
        match transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let server = &self.config.server;
                let why = format!("{server} did not take the mail: {}", chain(&error));
                // 530 to 538 are about the login, which the owner can mend.
                let login = error.status().is_some_and(|code| code.to_string().starts_with("53"));
                Err(NotSent { why, for_good: error.is_permanent() && !login })
            }
        }
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotSent> {
        let MailConfig { server, port, security, login, timeout, .. } = &self.config;
        let tls = match (security, &self.tls) {
            (Security::StartTls, Some(tls)) => Tls::Required(tls.clone()),
            (Security::Tls, Some(tls)) => Tls::Wrapper(tls.clone()),
            (Security::None, _) | (_, None) => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.as_str())
            .port(*port)
            .tls(tls)
            .timeout(Some(*timeout));
        if let Some((user, path)) = login {
            let password = secret::read(path).map_err(|e| NotSent::yet(chain(&e)))?;
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }

    fn message(&self, alert: &Alert) -> Result<Message, NotSent> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(format!("Hotshare: {}", alert.title))
            // The same whenever this alert is sent, so that mail programs show it once.
            .message_id(Some(format!("<alert-{}@hotshare>", alert.stamp())))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let text = format!("{}\r\n\r\n{}\r\n", alert.title, alert.text);
        message.body(text).map_err(|e| NotSent::ever(format!("the mail cannot be written: {e}")))
    }
}

fn parameters(config: &MailConfig) -> Result<TlsParameters, OpenError> {
    let wrong =
        |e: lettre::transport::smtp::Error| OpenError::Setting(format!("TLS cannot be used: {}", chain(&e)));
    let mut builder = TlsParameters::builder(config.server.clone());
    if let Some(path) = &config.ca_file {
        let pem = tls::read_pem(path)?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| tls::TlsError::NoCertificates(path.to_owned()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(wrong)
}
