//! The field `input` of `POST /chat`: a text, or a list of texts and images.

use std::borrow::Cow;
use std::fmt;

use domain::text::{TextError, clean_optional};
use domain::{Part, text};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use utoipa::openapi::schema::{ArrayBuilder, Object, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::super::image;
use crate::HttpSettings;
use crate::error::FieldError;
use crate::extract::word;

/// The largest number of parts in a message.
const MAX_PARTS: usize = 256;

/// The field `input`.
#[derive(Debug)]
pub(super) enum Input {
    /// A text.
    Text(String),
    /// Texts and images.
    Parts(Vec<PartRequest>),
}

/// A part of a message: a text or an image.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ChatPart)]
pub(super) struct PartRequest {
    #[serde(rename = "type", deserialize_with = "word")]
    #[schema(inline)]
    kind: Kind,
    /// The text; required if `type` is `text`.
    text: Option<String>,
    /// The image; required if `type` is `image_url`.
    #[schema(inline)]
    image_url: Option<ImageUrl>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Text,
    ImageUrl,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct ImageUrl {
    /// An `https:` URL, or the image itself as a `data:` URL with a png, jpeg, gif or webp in Base64.
    url: String,
}

impl Input {
    /// The parts of the message. All texts together have the limit of a text, and at least one part must not be blank.
    pub(super) fn into_parts(self, settings: &HttpSettings) -> Result<Vec<Part>, FieldError> {
        let max = settings.public.limits.max_input_length;
        match self {
            Self::Text(text) => text::clean(&text, max).map(|text| vec![Part::Text(text)]).map_err(invalid),
            Self::Parts(requests) => {
                if requests.len() > MAX_PARTS {
                    return Err(FieldError::new(
                        "input",
                        format_args!("must have at most {MAX_PARTS} parts"),
                    ));
                }
                let parts: Vec<Part> = requests
                    .into_iter()
                    .map(|request| request.into_part(settings.image_bytes()))
                    .collect::<Result<_, _>>()?;
                check_together(&parts, max).map_err(invalid)?;
                Ok(parts)
            }
        }
    }
}

impl PartRequest {
    fn into_part(self, image_bytes: usize) -> Result<Part, FieldError> {
        let Self { kind, text, image_url } = self;
        match kind {
            Kind::Text => {
                let text = text.ok_or_else(|| FieldError::new("input", "has a text part without text"))?;
                clean_optional(&text, usize::MAX).map(Part::Text).map_err(invalid)
            }
            Kind::ImageUrl => {
                let image = image_url
                    .ok_or_else(|| FieldError::new("input", "has an image part without image_url"))?;
                let url =
                    image::check(image.url, image_bytes).map_err(|error| FieldError::new("input", error))?;
                Ok(Part::Image { url })
            }
        }
    }
}

fn check_together(parts: &[Part], max: usize) -> Result<(), TextError> {
    let texts = parts.iter().filter_map(Part::as_text);
    if texts.clone().map(|text| text.chars().count()).sum::<usize>() > max {
        return Err(TextError::TooLong { max });
    }
    let has_image = parts.iter().any(|part| matches!(part, Part::Image { .. }));
    let has_text = texts.into_iter().any(|text| !text.trim().is_empty());
    if has_image || has_text { Ok(()) } else { Err(TextError::Empty) }
}

fn invalid(error: TextError) -> FieldError {
    FieldError::new("input", error)
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrParts)
    }
}

struct TextOrParts;

impl<'de> Visitor<'de> for TextOrParts {
    type Value = Input;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a list of parts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Input, E> {
        Ok(Input::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Input, E> {
        Ok(Input::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Input, A::Error> {
        let mut read = Vec::new();
        while let Some(part) = parts.next_element()? {
            read.push(part);
        }
        Ok(Input::Parts(read))
    }
}

impl PartialSchema for Input {
    fn schema() -> RefOr<Schema> {
        let parts = ArrayBuilder::new().items(Ref::from_schema_name(PartRequest::name()));
        OneOfBuilder::new()
            .item(Object::with_type(Type::String))
            .item(parts)
            .description(Some("The user's message: a text, or a list of at most 256 texts and images"))
            .into()
    }
}

impl ToSchema for Input {
    fn name() -> Cow<'static, str> {
        "ChatInput".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((PartRequest::name().into_owned(), PartRequest::schema()));
        PartRequest::schemas(schemas);
    }
}

#[cfg(test)]
mod tests;
