//! Multipart forms with a file, read part by part with a limit of size and of time.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use domain::FileName;
use futures_util::{Stream, StreamExt};
use services::{Upload, UploadLimit};

use super::body::{body_time, declared_length};
use super::disposition::Disposition;
use crate::error::{ApiError, FieldError};

/// The field with the file.
const FILE: &str = "file";
/// The largest number of parts in a form.
const MAX_PARTS: usize = 16;
/// The longest boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY_CHARS: usize = 70;
/// How many bytes a form may have in addition to the file: boundaries, headers and other fields.
const MAX_OVERHEAD_BYTES: usize = 32 * 1024;

/// A form with a file in the field `file`. [`FileForm::read`] reads it; nothing is read before.
pub(crate) struct FileForm {
    request: HttpRequest,
    payload: Payload,
}

impl FromRequest for FileForm {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl FileForm {
    /// Reads the file, which may not be larger than `limit`. Other fields are ignored.
    pub(crate) async fn read(self, limit: UploadLimit) -> Result<Upload, ApiError> {
        let Self { request, payload } = self;
        let boundary = boundary(&request)?;
        let bounds = Bounds { limit, read: Rc::default() };
        if declared_length(&request) > bounds.form_bytes() {
            return Err(limit.too_large().into());
        }
        let time = body_time(&request, bounds.form_bytes());
        let form = Multipart::new(&parts_of_any_kind(&boundary), bounds.counted(payload));
        let file = tokio::time::timeout(time, bounds.read_form(form)).await;
        file.map_err(|_| ApiError::too_slow())?
    }
}

/// The boundary of a multipart form.
fn boundary(request: &HttpRequest) -> Result<String, ApiError> {
    let media_type = request.mime_type().ok().flatten();
    let media_type = media_type.filter(|media_type| media_type.essence_str() == "multipart/form-data");
    let media_type =
        media_type.ok_or_else(|| ApiError::broken_form("The Content-Type must be multipart/form-data"))?;
    let boundary = media_type.get_param("boundary").map_or("", |boundary| boundary.as_str());
    if !(1..=MAX_BOUNDARY_CHARS).contains(&boundary.len()) {
        let message = format!("The form's boundary must have 1 to {MAX_BOUNDARY_CHARS} characters");
        return Err(ApiError::broken_form(message));
    }
    Ok(boundary.to_owned())
}

/// The headers with which `actix-multipart` reads a form as parts whose names it does not need. Of a form it refuses the
/// whole if one name is not UTF-8; here names are read by [`Disposition`].
fn parts_of_any_kind(boundary: &str) -> HeaderMap {
    let media_type = HeaderValue::from_str(&format!("multipart/mixed; boundary=\"{boundary}\""));
    media_type.map(|media_type| (CONTENT_TYPE, media_type)).into_iter().collect()
}

/// The limit of a form, and how much of the form has been read.
struct Bounds {
    /// The limit of the file.
    limit: UploadLimit,
    /// How many bytes of the body have been read.
    read: Rc<Cell<usize>>,
}

impl Bounds {
    /// The largest form, in bytes.
    fn form_bytes(&self) -> usize {
        self.limit.bytes().saturating_add(MAX_OVERHEAD_BYTES)
    }

    /// Counts the bytes of the body, which ends with an error when it is larger than a form may be.
    fn counted(&self, payload: Payload) -> impl Stream<Item = Result<Bytes, PayloadError>> + use<> {
        let (read, limit) = (Rc::clone(&self.read), self.form_bytes());
        payload.map(move |chunk| {
            let chunk = chunk?;
            read.set(read.get().saturating_add(chunk.len()));
            if read.get() > limit { Err(PayloadError::Overflow) } else { Ok(chunk) }
        })
    }

    async fn read_form(&self, mut form: Multipart) -> Result<Upload, ApiError> {
        let mut file = None;
        let mut parts = 0;
        while let Some(part) = form.next().await {
            let part = part.map_err(|error| self.broken(&error))?;
            parts += 1;
            if parts > MAX_PARTS {
                return Err(ApiError::broken_form(format!("The form has more than {MAX_PARTS} parts")));
            }
            let disposition = Disposition::of(&part).ok_or_else(not_a_form)?;
            if disposition.name != FILE {
                self.skip(part).await?;
            } else if file.is_some() {
                return Err(ApiError::broken_form("The form has more than one file"));
            } else {
                file = Some(self.read_file(part, disposition.file_name).await?);
            }
        }
        Ok(file.ok_or_else(|| FieldError::new(FILE, "is required"))?)
    }

    async fn read_file(&self, mut part: Field, name: FileName) -> Result<Upload, ApiError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|error| self.broken(&error))?;
            self.limit.check(bytes.len() + chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(Upload { name, bytes: bytes.freeze() })
    }

    async fn skip(&self, mut part: Field) -> Result<(), ApiError> {
        while let Some(chunk) = part.next().await {
            chunk.map_err(|error| self.broken(&error))?;
        }
        Ok(())
    }

    /// The error of a form that cannot be read. `actix-multipart` buffers at most 64 KiB outside the contents of parts, so
    /// headers and boundaries have a limit too.
    fn broken(&self, error: &MultipartError) -> ApiError {
        if self.read.get() > self.form_bytes() {
            return self.limit.too_large().into();
        }
        if let MultipartError::Payload(PayloadError::Overflow) = error {
            ApiError::broken_form("A header or a boundary of the form is too long")
        } else if let MultipartError::Payload(_) | MultipartError::Incomplete = error {
            ApiError::broken_form("The form could not be read to its end")
        } else {
            not_a_form()
        }
    }
}

fn not_a_form() -> ApiError {
    ApiError::broken_form("The body is not a valid multipart form")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const LIMIT: usize = 1024 * 1024;
    const OF_FILE: &str = "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
    const OF_OTHER: &str = "--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n";

    fn form(body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> FileForm {
        let request = TestRequest::post()
            .insert_header(("content-type", "multipart/form-data; boundary=x"))
            .to_http_request();
        FileForm { request, payload: Payload::Stream { payload: Box::pin(body) } }
    }

    /// How many bytes of an endless body are read before it is refused.
    async fn read_of_an_endless_body(begin: &'static str, chunk: usize) -> usize {
        let given = Rc::new(Cell::new(0));
        let giving = Rc::clone(&given);
        let begin = futures_util::stream::once(ready(Bytes::from_static(begin.as_bytes())));
        let rest = futures_util::stream::repeat(Bytes::from(vec![b'a'; chunk]));
        let body = begin.chain(rest).map(move |bytes| {
            giving.set(giving.get() + bytes.len());
            Ok(bytes)
        });
        let error = form(body).read(UploadLimit::megabytes(1)).await.unwrap_err();
        assert_eq!(error.code(), "file_too_large");
        given.get()
    }

    #[actix_web::test]
    async fn an_endless_form_is_read_little_beyond_the_limit() {
        for begin in [OF_FILE, OF_OTHER] {
            for chunk in [1000, 8 * 1024, 32 * 1024] {
                let read = read_of_an_endless_body(begin, chunk).await;
                assert!((LIMIT..=LIMIT + 64 * 1024).contains(&read), "{read} in chunks of {chunk}");
            }
        }
    }

    #[actix_web::test]
    async fn a_file_is_read_unchanged_for_all_sizes_of_chunks() {
        let contents = [
            "%PDF-".to_owned(),
            "\r\n--y\r\n--\r--y\n--x--\r".to_owned(),
            "\r\n".to_owned(),
            "\r\n--".repeat(2_000),
            "\r".repeat(3_000),
            String::new(),
        ];
        for content in contents {
            let other = format!("{OF_OTHER}1\r\n");
            let body = format!("preamble\r\n{other}{OF_FILE}{content}\r\n{other}--x--\r\nepilogue");
            for size in [1, 2, 3, 7, 64, 100_000] {
                let chunks: Vec<_> =
                    body.as_bytes().chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
                let upload =
                    form(futures_util::stream::iter(chunks)).read(UploadLimit::megabytes(1)).await.unwrap();
                assert!(upload.bytes == content.as_bytes(), "{content:.20?} in chunks of {size}");
            }
        }
    }
}
