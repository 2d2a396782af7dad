//! How a request is refused: one shape for all of them.

use crate::auth::AuthError;
use crate::causes::with_causes;
use crate::pictures::PictureError;
use crate::registry::training::TrainingError;
use crate::registry::{OpenError, RegistryError};
use crate::runtime::RuntimeError;
use lehr_causal::CausalError;
use lehr_queries::{ErrorKind, QueryError};
use serde_json::{Value, json};
use warp::http::StatusCode;

/// What kind of refusal it is: status and code of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooLarge,
    UnsupportedType,
    /// Understood, but more than the limits allow.
    Limit,
    /// Only over a WebSocket.
    Upgrade,
    TooMany,
    Internal,
    Unavailable,
}

impl Problem {
    pub fn status(self) -> StatusCode {
        match self {
            Problem::BadRequest => StatusCode::BAD_REQUEST,
            Problem::Unauthorized => StatusCode::UNAUTHORIZED,
            Problem::Forbidden => StatusCode::FORBIDDEN,
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Conflict => StatusCode::CONFLICT,
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::Limit => StatusCode::UNPROCESSABLE_ENTITY,
            Problem::Upgrade => StatusCode::UPGRADE_REQUIRED,
            Problem::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Problem::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Problem::BadRequest => "bad_request",
            Problem::Unauthorized => "unauthorized",
            Problem::Forbidden => "forbidden",
            Problem::NotFound => "not_found",
            Problem::MethodNotAllowed => "method_not_allowed",
            Problem::Conflict => "conflict",
            Problem::TooLarge => "too_large",
            Problem::UnsupportedType => "unsupported_media_type",
            Problem::Limit => "limit",
            Problem::Upgrade => "upgrade_required",
            Problem::TooMany => "too_many_requests",
            Problem::Internal => "internal",
            Problem::Unavailable => "unavailable",
        }
    }

    /// What the API's description says of it.
    pub fn about(self) -> &'static str {
        match self {
            Problem::BadRequest => "A parameter or the body is malformed; `field` names it.",
            Problem::Unauthorized => "No token, or one that does not hold.",
            Problem::Forbidden => "The token's role may not do this, or the Host or Origin is not allowed.",
            Problem::NotFound => "What is named does not exist.",
            Problem::MethodNotAllowed => "The method is not allowed here; the header Allow lists those that are.",
            Problem::Conflict => "What is there now does not allow it.",
            Problem::TooLarge => {
                "The body is larger than 8 MiB, or 64 MiB where it is a file, or 1 MiB where it is a picture."
            }
            Problem::UnsupportedType => "The Content-Type is not one of those listed.",
            Problem::Limit => "The answer would pass a limit; the message names it.",
            Problem::Upgrade => "Only over a WebSocket.",
            Problem::TooMany => "Too much at once; try again after the seconds in Retry-After.",
            Problem::Internal => {
                "A fault in Lehr: the message holds an id that the log has too. Or damaged files: the message names them."
            }
            Problem::Unavailable => {
                "Lehr has stopped taking inputs, and /api/health says why; or a store does not answer, or what runs or \
                 trains models is not there, which the message names."
            }
        }
    }
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    pub problem: Problem,
    /// More exact than the problem's own, where that helps.
    pub code: &'static str,
    pub message: String,
    /// The parameter or body field that is wrong.
    pub field: Option<String>,
    /// Methods that would have been allowed.
    pub allow: Option<String>,
}

impl ApiError {
    pub fn new(problem: Problem, message: impl Into<String>) -> ApiError {
        ApiError { problem, code: problem.code(), message: message.into(), field: None, allow: None }
    }

    pub fn field(problem: Problem, field: impl Into<String>, message: impl Into<String>) -> ApiError {
        ApiError { field: Some(field.into()), ..ApiError::new(problem, message) }
    }

    pub fn bad(field: impl Into<String>, message: impl Into<String>) -> ApiError {
        ApiError::field(Problem::BadRequest, field, message)
    }

    pub fn not_found(what: impl std::fmt::Display) -> ApiError {
        ApiError::new(Problem::NotFound, format!("{what} is not known"))
    }

    /// A name in a parameter or body that the plant does not have.
    pub fn unknown(field: impl Into<String>, what: &str, name: &str) -> ApiError {
        ApiError::field(Problem::NotFound, field, format!("{what} '{name}' is not known"))
    }

    pub fn conflict(message: impl Into<String>) -> ApiError {
        ApiError::new(Problem::Conflict, message)
    }

    pub fn internal(message: impl std::fmt::Display) -> ApiError {
        ApiError::new(Problem::Internal, message.to_string())
    }

    /// Files of the data directory are not as they were written: whoever asks may know which.
    pub fn damaged(message: impl Into<String>) -> ApiError {
        ApiError { code: "damaged", ..ApiError::new(Problem::Internal, message) }
    }

    /// Whether it is a fault in Lehr, of which the log alone says more than an id.
    pub fn is_fault(&self) -> bool {
        self.problem == Problem::Internal && self.code == Problem::Internal.code()
    }

    pub fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(field) = &self.field {
            error["field"] = field.as_str().into();
        }
        json!({ "error": error })
    }
}

impl From<RuntimeError> for ApiError {
    fn from(error: RuntimeError) -> ApiError {
        match error {
            RuntimeError::UnknownTick(..) => ApiError::field(Problem::NotFound, "as_of.tick", error.to_string()),
            RuntimeError::Busy => ApiError::new(Problem::TooMany, error.to_string()),
            RuntimeError::Stopped(_) => ApiError::new(Problem::Unavailable, error.to_string()),
            RuntimeError::History(damage) if damage.is_damage() => ApiError::damaged(damage.to_string()),
            RuntimeError::Journal(damage) if damage.is_damage() => ApiError::damaged(damage.to_string()),
            other => ApiError::internal(with_causes(&other)),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> ApiError {
        let (problem, code) = match error.kind() {
            ErrorKind::Syntax => (Problem::BadRequest, "syntax"),
            ErrorKind::Forbidden => (Problem::BadRequest, "not_allowed"),
            ErrorKind::UnknownTable => (Problem::BadRequest, "unknown_table"),
            ErrorKind::UnknownColumn => (Problem::BadRequest, "unknown_column"),
            ErrorKind::Invalid => (Problem::BadRequest, "invalid_query"),
            ErrorKind::TimeLimit => (Problem::Limit, "time_limit"),
            ErrorKind::RowLimit => (Problem::Limit, "row_limit"),
            ErrorKind::MemoryLimit => (Problem::Limit, "memory_limit"),
            ErrorKind::Busy => (Problem::TooMany, "busy"),
            ErrorKind::Damaged => return ApiError::damaged(error.to_string()),
            ErrorKind::Internal => return ApiError::internal(with_causes(&error)),
        };
        ApiError { code, ..ApiError::field(problem, "query", error.to_string()) }
    }
}

impl From<CausalError> for ApiError {
    fn from(error: CausalError) -> ApiError {
        let message = error.to_string();
        match error {
            CausalError::Syntax(_) => ApiError::internal(message),
            CausalError::Field { field, .. } => ApiError::field(Problem::Conflict, field, message),
            CausalError::Unknown(_) => ApiError::new(Problem::NotFound, message),
            CausalError::Cycle { .. } => ApiError { code: "cycle", ..ApiError::conflict(message) },
            CausalError::Exists(_) | CausalError::Full(_) => ApiError::conflict(message),
        }
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> ApiError {
        let message = error.to_string();
        match error {
            RegistryError::NoModel(_) => ApiError::bad("body", message),
            RegistryError::Open(error) => error.into(),
            RegistryError::Unknown { .. } => ApiError::field(Problem::NotFound, "version", message),
            RegistryError::Taken { .. } => ApiError { code: "taken", ..ApiError::conflict(message) },
            RegistryError::File { .. } => ApiError { code: "file", ..ApiError::conflict(message) },
            RegistryError::InProduction { .. } => ApiError::field(Problem::Conflict, "version", message),
            RegistryError::NoPrevious(_)
            | RegistryError::NoProduction(_)
            | RegistryError::NoChallenger(_)
            | RegistryError::Full => ApiError::conflict(message),
            RegistryError::Card => ApiError::bad("body", message),
            RegistryError::Runtime(error) => error.into(),
            error @ RegistryError::Io { .. } => ApiError::internal(with_causes(&error)),
        }
    }
}

impl From<OpenError> for ApiError {
    fn from(error: OpenError) -> ApiError {
        let message = error.to_string();
        match error {
            OpenError::Refused(_) => ApiError { code: "refused", ..ApiError::conflict(message) },
            OpenError::Unavailable(_) => ApiError::new(Problem::Unavailable, message),
        }
    }
}

impl From<PictureError> for ApiError {
    fn from(error: PictureError) -> ApiError {
        let message = error.to_string();
        match error {
            PictureError::TooLarge { .. } | PictureError::NoPicture(_) => ApiError::bad("body", message),
            PictureError::Gone(_) => ApiError::new(Problem::NotFound, message),
            PictureError::Damaged(_) => ApiError::damaged(message),
            error @ PictureError::Io { .. } => ApiError::internal(with_causes(&error)),
        }
    }
}

impl From<TrainingError> for ApiError {
    fn from(error: TrainingError) -> ApiError {
        let message = error.to_string();
        match error {
            TrainingError::Full => ApiError::new(Problem::TooMany, message),
            TrainingError::Budget => ApiError::bad("budget", message),
            TrainingError::Data { .. } | TrainingError::NoChoice(_) => ApiError::bad("data", message),
            TrainingError::Unknown(_) => ApiError::new(Problem::NotFound, message),
            TrainingError::Over(_) => ApiError::conflict(message),
            TrainingError::NoProgram(_) | TrainingError::Stopping => ApiError::new(Problem::Unavailable, message),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> ApiError {
        let message = error.to_string();
        match error {
            AuthError::Name => ApiError::bad("name", message),
            AuthError::NameTaken(_) => ApiError::field(Problem::Conflict, "name", message),
            AuthError::Full | AuthError::LastAdmin(_) | AuthError::FromEnvironment => ApiError::conflict(message),
            AuthError::Unknown(_) => ApiError::new(Problem::NotFound, message),
            other => ApiError::internal(with_causes(&other)),
        }
    }
}
