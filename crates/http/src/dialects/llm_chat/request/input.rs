//! The user's message: a text, or a list of texts and images.

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

/// The parts that one message may have.
const PARTS: usize = 256;

/// The field `input`.
#[derive(Debug)]
pub(super) enum Input {
    /// A text.
    Text(String),
    /// Texts and images.
    Parts(Vec<PartRequest>),
}

/// One text or one image.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ChatPart)]
pub(super) struct PartRequest {
    #[serde(rename = "type")]
    #[schema(inline)]
    kind: Kind,
    /// Of a text.
    text: Option<String>,
    /// Of an image.
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
    /// An `https:` URL, or the image itself as a `data:` URL: png, jpeg, gif or webp in Base64.
    url: String,
}

impl Input {
    /// The parts of the message. Its texts are bounded together, and something must be said or shown.
    pub(super) fn into_parts(self, settings: &HttpSettings) -> Result<Vec<Part>, FieldError> {
        let max = settings.max_input_length;
        match self {
            Self::Text(text) => text::clean(&text, max).map(|text| vec![Part::Text(text)]).map_err(broken),
            Self::Parts(requests) => {
                if requests.len() > PARTS {
                    return Err(FieldError::new("input", format_args!("must have at most {PARTS} parts")));
                }
                let parts: Vec<Part> = requests
                    .into_iter()
                    .map(|request| request.into_part(settings.image_bytes()))
                    .collect::<Result<_, _>>()?;
                check_together(&parts, max).map_err(broken)?;
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
                clean_optional(&text, usize::MAX).map(Part::Text).map_err(broken)
            }
            Kind::ImageUrl => {
                let image = image_url
                    .ok_or_else(|| FieldError::new("input", "has an image part without image_url"))?;
                image::check(&image.url, image_bytes).map_err(|error| FieldError::new("input", error))?;
                Ok(Part::Image { url: image.url })
            }
        }
    }
}

fn check_together(parts: &[Part], max: usize) -> Result<(), TextError> {
    let texts = parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    if texts.clone().map(|text| text.chars().count()).sum::<usize>() > max {
        return Err(TextError::TooLong { max });
    }
    let shows = parts.iter().any(|part| matches!(part, Part::Image { .. }));
    let says = texts.into_iter().any(|text| !text.trim().is_empty());
    if shows || says { Ok(()) } else { Err(TextError::Empty) }
}

fn broken(error: TextError) -> FieldError {
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
            .description(Some("The user's message: a text, or texts and images"))
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
