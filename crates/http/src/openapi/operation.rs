//! One operation of the document: what a route takes, what it answers, and how it refuses.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::{headers, refusals};
use crate::error::ApiError;
use crate::extract::FieldError;
use crate::routes::{Access, Rules};

/// The name of the security scheme.
pub(super) const BEARER: &str = "bearer";

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";

/// Schemas by name.
pub(super) type Schemas = Vec<(String, RefOr<Schema>)>;

/// An example with its name.
pub(super) type Example = (&'static str, Value);

/// Reads a body as the handler does, so that a test can hold the examples to it.
#[cfg(test)]
pub(super) type Reads = fn(&Value) -> Result<(), String>;

/// What the document says of a route, beyond what the route's own rules say.
pub(super) struct Described {
    pub(super) method: Method,
    pub(super) path: &'static str,
    id: &'static str,
    summary: &'static str,
    description: Option<&'static str>,
    tags: Vec<&'static str>,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: BTreeMap<u16, Response>,
    refusals: Vec<ApiError>,
    uses_store: bool,
    schemas: Schemas,
    #[cfg(test)]
    pub(super) reads: Option<Reads>,
}

impl Described {
    /// The route with this method and path. The id names it in clients that are made from the document.
    pub(super) fn new(method: Method, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            description: None,
            tags: Vec::new(),
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            refusals: Vec::new(),
            uses_store: false,
            schemas: Vec::new(),
            #[cfg(test)]
            reads: None,
        }
    }

    /// More about it than the summary says.
    pub(super) fn tells(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// The contracts that it belongs to.
    pub(super) fn of<const N: usize>(mut self, tags: [&'static str; N]) -> Self {
        self.tags = tags.to_vec();
        self
    }

    /// A value in the path.
    pub(super) fn at(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The values in the query.
    pub(super) fn asks<T: IntoParams>(mut self) -> Self {
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        self.parameters.extend(parameters.into_iter().map(without_null));
        self.refuses([FieldError::whole("the query cannot be read").into()])
    }

    /// The JSON body.
    pub(super) fn takes<T>(mut self, examples: impl IntoIterator<Item = Example>) -> Self
    where
        T: ToSchema + DeserializeOwned + Validate,
    {
        let content = content(reference::<T>(), examples);
        self.collect::<T>();
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True));
        self.body = Some(body.build());
        #[cfg(test)]
        {
            self.reads = Some(|example| {
                let body: T = serde_json::from_value(example.clone()).map_err(|error| error.to_string())?;
                body.validate().map_err(|errors| errors.to_string())
            });
        }
        self.refuses(refusals::of_a_body())
    }

    /// A form with a file of this media type in the field `file`.
    pub(super) fn takes_file(mut self, description: &str, media_type: &str) -> Self {
        let file = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .content_media_type(media_type)
            .description(Some(description));
        let form = ObjectBuilder::new().property("file", file).required("file");
        let content = ContentBuilder::new().schema(Some(form)).build();
        let body = RequestBodyBuilder::new().content(FORM, content).required(Some(Required::True));
        self.body = Some(body.build());
        self.refuses(refusals::of_a_form())
    }

    /// The body may be left out.
    pub(super) fn or_nothing(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body.required = Some(Required::False);
        }
        self
    }

    /// The answer, a JSON object.
    pub(super) fn answers<T: ToSchema>(
        self,
        description: &str,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        self.answers_with::<T>(StatusCode::OK, description, examples)
    }

    /// The answer, an array of JSON objects.
    pub(super) fn answers_list<T: ToSchema>(
        mut self,
        description: &str,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        let list = ArrayBuilder::new().items(reference::<T>()).build();
        let content = content(Schema::Array(list).into(), examples);
        self.collect::<T>();
        self.put(StatusCode::OK, description, JSON, content)
    }

    /// The answer that goes with a status, a JSON object.
    pub(super) fn answers_with<T: ToSchema>(
        mut self,
        status: StatusCode,
        description: &str,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        let content = content(reference::<T>(), examples);
        self.collect::<T>();
        self.put(status, description, JSON, content)
    }

    /// The answer as it comes, in another type than JSON.
    pub(super) fn streams(self, description: &str, content_type: &str, example: &str) -> Self {
        let content = ContentBuilder::new()
            .schema(Some(Object::with_type(Type::String)))
            .example(Some(Value::from(example)))
            .build();
        self.put(StatusCode::OK, description, content_type, content)
    }

    /// A call that counts, and comes too early at times.
    pub(super) fn counts(mut self) -> Self {
        if let Some(answer) = self.answers.get_mut(&StatusCode::OK.as_u16()) {
            headers::of_a_counted_call(answer);
        }
        self.refuses([refusals::too_many()])
    }

    /// A turn is run: its headers, and all that can go wrong with it.
    pub(super) fn runs_a_turn(mut self) -> Self {
        if let Some(answer) = self.answers.get_mut(&StatusCode::OK.as_u16()) {
            headers::of_a_turn(answer);
        }
        self.counts().refuses(refusals::of_a_turn())
    }

    /// The answer has this header too.
    pub(super) fn with_header(mut self, name: &str) -> Self {
        if let Some(answer) = self.answers.get_mut(&StatusCode::OK.as_u16()) {
            headers::put(answer, name);
        }
        self
    }

    /// What it refuses, beyond what all routes of its kind do.
    pub(super) fn refuses(mut self, refusals: impl IntoIterator<Item = ApiError>) -> Self {
        self.refusals.extend(refusals);
        self
    }

    /// A public route that reads the store.
    pub(super) fn uses_the_store(mut self) -> Self {
        self.uses_store = true;
        self
    }

    /// The operation, and the schemas that it names.
    pub(super) fn build(self, rules: &Rules) -> (Operation, Schemas) {
        let private = rules.access == Access::Private;
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .summary(Some(self.summary))
            .description(self.description)
            .tags(Some(self.tags))
            .request_body(self.body);
        for parameter in self.parameters {
            operation = operation.parameter(parameter);
        }
        if private {
            let no_scopes: [&str; 0] = [];
            operation = operation.security(SecurityRequirement::new(BEARER, no_scopes));
        }
        let mut refusals = refusals::of_every_route(private, private || self.uses_store);
        refusals.extend(self.refusals);
        let mut responses = refusals::responses(&refusals, rules);
        responses.extend(self.answers);
        for (status, mut response) in responses {
            headers::put(&mut response, headers::REQUEST_ID);
            operation = operation.response(status.to_string(), response);
        }
        (operation.build(), self.schemas)
    }

    fn collect<T: ToSchema>(&mut self) {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
    }

    fn put(mut self, status: StatusCode, description: &str, content_type: &str, content: Content) -> Self {
        let answer = self.answers.entry(status.as_u16()).or_insert_with(|| Response::new(description));
        answer.content.insert(content_type.to_owned(), RefOr::T(content));
        self
    }
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

fn content(schema: RefOr<Schema>, examples: impl IntoIterator<Item = Example>) -> Content {
    let mut examples: Vec<_> = examples.into_iter().collect();
    let content = ContentBuilder::new().schema(Some(schema));
    if examples.len() < 2 {
        return content.example(examples.pop().map(|(_, value)| value)).build();
    }
    let named = examples.into_iter().map(|(name, value)| {
        (
            name.replace(", ", " ").replace(' ', "_"),
            ExampleBuilder::new().summary(name).value(Some(value)).build(),
        )
    });
    content.examples_from_iter(named).build()
}

/// A query value is there or not; it is never null.
fn without_null(mut parameter: Parameter) -> Parameter {
    if let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|known| *known != Type::Null);
        if let [only] = types.as_slice() {
            object.schema_type = SchemaType::Type(only.clone());
        }
    }
    parameter
}

/// The answer to a refusal.
pub(super) fn refusal(
    description: String,
    examples: impl Iterator<Item = (&'static str, Value)>,
) -> Response {
    let named = examples.map(|(code, body)| (code, ExampleBuilder::new().value(Some(body)).build()));
    let schema = Ref::from_schema_name(super::ERROR);
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(named).build();
    ResponseBuilder::new().description(description).content(JSON, content).build()
}
