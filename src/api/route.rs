//! A route: everything that is true of it, in one value. The filters, the checks and the description of the
//! API are all made from it, so that they cannot differ.

use super::App;
use super::dispatch::BODY_MOST;
use super::error::{ApiError, Problem};
use super::params::{Kind, Param, Values};
use crate::auth::{Principal, Role};
use crate::pictures::PICTURE_MOST;
use crate::registry::FILE_MOST;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use warp::http::Method;

/// What a handler gives back.
#[derive(Clone, Debug)]
pub enum Reply {
    Json(Value),
    Bytes {
        content_type: &'static str,
        bytes: Bytes,
    },
    /// What its address will give for ever: clients need not ask again.
    Lasting {
        content_type: &'static str,
        bytes: Bytes,
    },
    /// Done, and there is nothing to say: status 204.
    Nothing,
}

impl From<Value> for Reply {
    fn from(value: Value) -> Reply {
        Reply::Json(value)
    }
}

pub type Answer = Result<Reply, ApiError>;

type Handler = Arc<dyn Fn(App, Call) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// A request that passed every check.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// `None` only on routes that are open to everybody.
    pub who: Option<Principal>,
    /// The variable segments of the path, decoded, in order.
    pub path: Vec<String>,
    pub query: Values,
    /// The body, where the route takes a JSON value; it has passed the route's schema.
    pub value: Value,
    /// The body as it came, where the route takes rows, lines or a file.
    pub rows: Bytes,
    pub content_type: ContentType,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentType {
    #[default]
    Json,
    /// One JSON value a line.
    JsonLines,
    /// Text, of which the route says what it is.
    Text,
    /// A file, of which the route says what it is.
    File,
    Png,
}

impl ContentType {
    pub fn text(self) -> &'static str {
        match self {
            ContentType::Json => "application/json",
            ContentType::JsonLines => "application/x-ndjson",
            ContentType::Text => "text/plain",
            ContentType::File => "application/octet-stream",
            ContentType::Png => "image/png",
        }
    }
}

impl Call {
    /// Who asks, for the audit trail.
    pub fn by(&self) -> String {
        self.who.as_ref().map_or("anybody", |who| who.name.as_str()).to_owned()
    }

    /// The body as the type whose schema the route declares. It has passed that schema already, so what fails
    /// here is what a schema cannot say.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_value(self.value.clone()).map_err(|error| ApiError::bad("body", error.to_string()))
    }
}

/// What a route takes as its body.
#[derive(Clone, Debug)]
pub enum Body {
    /// One JSON value of this schema.
    Value(Value),
    /// Rows of this schema, checked one by one by the handler, which takes the good ones.
    Rows(Value),
    /// Lines of text, checked one by one by the handler. It says what they are.
    Lines(&'static str),
    /// A file, checked by the handler. It says what it is.
    File(&'static str),
    /// A picture, checked by the handler. It says what it shows.
    Picture(&'static str),
}

impl Body {
    /// The content types that it may have, the usual one first.
    pub fn takes(&self) -> &'static [ContentType] {
        match self {
            Body::Value(_) => &[ContentType::Json],
            Body::Rows(_) => &[ContentType::Json, ContentType::JsonLines],
            Body::Lines(_) => &[ContentType::Text],
            Body::File(_) => &[ContentType::File],
            Body::Picture(_) => &[ContentType::Png],
        }
    }

    /// Bytes that it may have.
    pub fn most(&self) -> usize {
        match self {
            Body::Value(_) | Body::Rows(_) | Body::Lines(_) => BODY_MOST,
            Body::File(_) => FILE_MOST,
            Body::Picture(_) => PICTURE_MOST,
        }
    }
}

/// Of which types the answer is.
#[derive(Clone, Debug)]
pub struct Answers {
    pub json: Option<Value>,
    /// Further content types: texts, or binary data.
    pub other: &'static [&'static str],
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Open,
    Needs(Role),
}

#[derive(Clone)]
pub struct Route {
    pub method: Method,
    /// With variable segments in braces: `/api/alerts/{id}`.
    pub path: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub access: Access,
    /// Variable segments of the path, in order.
    pub segments: Vec<Param>,
    pub query: Vec<Param>,
    pub body: Option<Body>,
    pub answers: Answers,
    /// Beside those that follow from the above.
    pub problems: Vec<Problem>,
    /// Counts against [`super::dispatch::HEAVY_MOST`].
    pub heavy: bool,
    pub handler: Handler,
}

impl Route {
    /// A route that reads; viewers may use it.
    pub fn get<F, R>(path: &'static str, tag: &'static str, summary: &'static str, handler: F) -> Route
    where
        F: Fn(App, Call) -> R + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        Route::new(Method::GET, path, tag, summary, Access::Needs(Role::Viewer), handler)
    }

    /// A route that changes something.
    pub fn change<F, R>(
        method: Method,
        path: &'static str,
        tag: &'static str,
        summary: &'static str,
        needs: Role,
        handler: F,
    ) -> Route
    where
        F: Fn(App, Call) -> R + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        Route::new(method, path, tag, summary, Access::Needs(needs), handler).problems(&[Problem::Unavailable])
    }

    fn new<F, R>(
        method: Method,
        path: &'static str,
        tag: &'static str,
        summary: &'static str,
        access: Access,
        handler: F,
    ) -> Route
    where
        F: Fn(App, Call) -> R + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        let answers = Answers { json: Some(Value::Bool(true)), other: &[] };
        Route {
            method,
            path,
            tag,
            summary,
            access,
            segments: Vec::new(),
            query: Vec::new(),
            body: None,
            answers,
            problems: Vec::new(),
            heavy: false,
            handler: Arc::new(move |app, call| Box::pin(handler(app, call))),
        }
    }

    pub fn open(mut self) -> Route {
        self.access = Access::Open;
        self
    }

    pub fn needs(mut self, role: Role) -> Route {
        self.access = Access::Needs(role);
        self
    }

    pub fn segment(mut self, name: &'static str, kind: Kind, about: &'static str) -> Route {
        self.segments.push(Param { name, kind, about, required: true });
        self.problems(&[Problem::NotFound])
    }

    pub fn query(mut self, name: &'static str, kind: Kind, about: &'static str) -> Route {
        self.query.push(Param { name, kind, about, required: false });
        self
    }

    pub fn required(mut self, name: &'static str, kind: Kind, about: &'static str) -> Route {
        self.query.push(Param { name, kind, about, required: true });
        self
    }

    /// A parameter that names a line; an unknown one is a 404.
    pub fn line(self) -> Route {
        self.query("line", Kind::Text(64), "Production line; all when absent.").problems(&[Problem::NotFound])
    }

    /// Bounds of event time.
    pub fn range(self, about_from: &'static str) -> Route {
        self.query("from", Kind::Time, about_from).query(
            "to",
            Kind::Time,
            "End of the time range, plant time now when absent. Not after `from`: no rows.",
        )
    }

    pub fn body(mut self, schema: Value) -> Route {
        self.body = Some(Body::Value(schema));
        self
    }

    pub fn rows(mut self, schema: Value) -> Route {
        self.body = Some(Body::Rows(schema));
        self
    }

    pub fn lines(mut self, about: &'static str) -> Route {
        self.body = Some(Body::Lines(about));
        self
    }

    pub fn file(mut self, about: &'static str) -> Route {
        self.body = Some(Body::File(about));
        self.problems(&[Problem::TooMany])
    }

    pub fn picture(mut self, about: &'static str) -> Route {
        self.body = Some(Body::Picture(about));
        self
    }

    /// All is said by the status.
    pub fn answers_nothing(mut self) -> Route {
        self.answers = Answers { json: None, other: &[] };
        self
    }

    pub fn answers(mut self, schema: Value) -> Route {
        self.answers.json = Some(schema);
        self
    }

    pub fn answers_also(mut self, content_types: &'static [&'static str]) -> Route {
        self.answers.other = content_types;
        self
    }

    pub fn answers_only(mut self, content_types: &'static [&'static str]) -> Route {
        self.answers = Answers { json: None, other: content_types };
        self
    }

    pub fn problems(mut self, problems: &[Problem]) -> Route {
        self.problems.extend_from_slice(problems);
        self
    }

    pub fn heavy(mut self) -> Route {
        self.heavy = true;
        self.problems(&[Problem::TooMany])
    }

    /// Every problem that may be answered, ascending.
    pub fn all_problems(&self) -> Vec<Problem> {
        let mut all = vec![Problem::BadRequest, Problem::Forbidden, Problem::MethodNotAllowed, Problem::Internal];
        all.extend(&self.problems);
        if self.access != Access::Open {
            all.push(Problem::Unauthorized);
        }
        if self.body.is_some() {
            all.extend([Problem::TooLarge, Problem::UnsupportedType]);
        }
        all.sort();
        all.dedup();
        all
    }

    /// The variable segments of `path` when it is this route's, still encoded.
    pub fn captures<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let (mut template, mut given) = (self.path.split('/'), path.split('/'));
        let mut found = Vec::new();
        loop {
            match (template.next(), given.next()) {
                (None, None) => return Some(found),
                (Some(name), Some(segment)) if name.starts_with('{') && !segment.is_empty() => found.push(segment),
                (Some(name), Some(segment)) if name == segment => {}
                _ => return None,
            }
        }
    }
}
