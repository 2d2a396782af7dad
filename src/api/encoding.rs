//! Bodies that come compressed.

use super::body::{Inflation, inflated};
use super::dispatch::too_large;
use super::error::{ApiError, Problem};
use bytes::Bytes;
use warp::http::{HeaderMap, header};

/// The body as it was before it was compressed, which may have as many bytes as one that was not.
pub fn decoded(headers: &HeaderMap, body: Bytes, most: usize) -> Result<Bytes, ApiError> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok("identity"), |value| value.to_str());
    match encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "identity" => Ok(body),
        "gzip" => match inflated(&body, most) {
            Ok(bytes) => Ok(bytes.into()),
            Err(Inflation::TooLarge) => Err(too_large(most)),
            Err(Inflation::Broken(why)) => Err(ApiError::bad("body", format!("the body is no gzip: {why}"))),
        },
        _ => {
            let message = "the header Content-Encoding must be gzip or identity, or not be there";
            Err(ApiError::new(Problem::UnsupportedType, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::BODY_MOST;
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;
    use warp::http::HeaderValue;

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))])
    }

    fn zipped(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn what_was_compressed_is_as_bounded_as_what_was_not() {
        assert_eq!(decoded(&headers("gzip"), zipped(b"a point"), 7).unwrap(), Bytes::from_static(b"a point"));
        let error = decoded(&headers("gzip"), zipped(&vec![b' '; BODY_MOST + 1]), BODY_MOST).unwrap_err();
        assert_eq!(error.problem, Problem::TooLarge);
    }

    #[test]
    fn what_is_not_compressed_as_it_says_is_refused() {
        let body = Bytes::from_static(b"{}");
        assert_eq!(decoded(&headers("gzip"), body.clone(), BODY_MOST).unwrap_err().problem, Problem::BadRequest);
        assert_eq!(decoded(&headers("br"), Bytes::new(), BODY_MOST).unwrap_err().problem, Problem::UnsupportedType);
        assert_eq!(decoded(&HeaderMap::new(), body.clone(), BODY_MOST).unwrap(), body);
    }
}
