//! The daemon's interface, asked from within the same process: the same router, the same requests, no socket.

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request, StatusCode};
use hotshare_api::{Code, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

/// More than any reply has: a year of hours by person is well below.
const LARGEST_REPLY: usize = 64 << 20;

/// Why there is no answer, or a no.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The interface refused it, with its words in English.
    #[error("{}", .failure.error.message)]
    Refused { status: StatusCode, failure: Failure },
    #[error("{path} cannot be asked: {why}")]
    Broken { path: String, why: String },
}

impl ApiError {
    /// For machines; `None`: it was not refused, it broke.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            ApiError::Refused { failure, .. } => Some(failure.error.code),
            ApiError::Broken { .. } => None,
        }
    }
}

/// A client of the interface.
#[derive(Clone, Debug)]
pub struct Api(Router);

impl Api {
    /// Asks this router, which must answer the paths of [`hotshare_api::path`].
    #[must_use]
    pub fn new(router: Router) -> Api {
        Api(router)
    }

    /// `GET path`; a query stands in the path.
    ///
    /// # Errors
    /// The interface says no, or its answer cannot be read.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.ask(Method::GET, path, Body::empty()).await
    }

    /// Sends a change. Its reply is most often [`hotshare_api::Done`].
    ///
    /// # Errors
    /// The interface says no, or its answer cannot be read.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, ApiError> {
        let text = serde_json::to_vec(body).map_err(|error| broken(path, error))?;
        self.ask(method, path, Body::from(text)).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> Result<T, ApiError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| broken(path, error))?;
        let Ok(reply) = self.0.clone().oneshot(request).await;
        let status = reply.status();
        let bytes = axum::body::to_bytes(reply.into_body(), LARGEST_REPLY).await;
        let bytes = bytes.map_err(|error| broken(path, error))?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| broken(path, error));
        }
        match serde_json::from_slice(&bytes) {
            Ok(failure) => Err(ApiError::Refused { status, failure }),
            Err(error) => Err(broken(path, format!("{status}, {error}"))),
        }
    }
}

fn broken(path: &str, why: impl ToString) -> ApiError {
    ApiError::Broken { path: path.to_owned(), why: why.to_string() }
}
