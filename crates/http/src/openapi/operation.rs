//! The description of one operation: its parameters, its body, its responses and its errors.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required, Response};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::{errors, headers};
use crate::error::{ApiError, FieldError};
use crate::rules::{Access, Rules};

/// The name of the security scheme.
pub(crate) const BEARER: &str = "bearer";

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";

/// Schemas with their names.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// An example with its name.
pub(crate) type Example = (&'static str, Value);

/// Reads a body as the handler does. A test checks the examples with it.
#[cfg(test)]
pub(crate) type BodyReader = fn(&Value) -> Result<(), String>;

/// The description of an operation. What follows from the rules of its endpoint is added by [`OperationDoc::build`].
#[derive(Default)]
pub(crate) struct OperationDoc {
    id: &'static str,
    summary: &'static str,
    description: Option<&'static str>,
    tags: Vec<&'static str>,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    responses: BTreeMap<u16, Response>,
    errors: Vec<ApiError>,
    schemas: Schemas,
    #[cfg(test)]
    pub(crate) body_reader: Option<BodyReader>,
}

impl OperationDoc {
    /// An operation with this id, which generated clients use as the name of a function.
    pub(crate) fn new(id: &'static str, summary: &'static str) -> Self {
        Self { id, summary, ..Self::default() }
    }

    /// Adds a description, which says what the summary leaves out.
    pub(crate) fn description(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// Sets the groups in which the operation is shown, one for each contract that has it.
    pub(crate) fn tags<const N: usize>(mut self, tags: [&'static str; N]) -> Self {
        self.tags = tags.to_vec();
        self
    }

    /// Adds a parameter in the path.
    pub(crate) fn path_param(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Adds the parameters in the query.
    pub(crate) fn query<T: IntoParams>(mut self) -> Self {
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        self.parameters.extend(parameters.into_iter().map(without_null));
        self.errors([FieldError::whole("the query cannot be read").into()])
    }

    /// Sets the JSON body, and adds its errors.
    pub(crate) fn body<T>(mut self, examples: impl IntoIterator<Item = Example>) -> Self
    where
        T: ToSchema + DeserializeOwned + Validate,
    {
        let content = content(reference::<T>(), examples);
        self.collect::<T>();
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True));
        self.body = Some(body.build());
        #[cfg(test)]
        {
            self.body_reader = Some(|example| {
                let body: T = serde_json::from_value(example.clone()).map_err(|error| error.to_string())?;
                body.validate().map_err(|errors| errors.to_string())
            });
        }
        self.errors(errors::body())
    }

    /// Sets the body: a form with a file of this media type in the field `file`. Adds its errors.
    pub(crate) fn file_body(mut self, description: &str, media_type: &str) -> Self {
        let file = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .content_media_type(media_type)
            .description(Some(description));
        let form = ObjectBuilder::new().property("file", file).required("file");
        let content = ContentBuilder::new().schema(Some(form)).build();
        let body = RequestBodyBuilder::new().content(FORM, content).required(Some(Required::True));
        self.body = Some(body.build());
        self.errors(errors::form())
    }

    /// Allows requests without a body.
    pub(crate) fn optional_body(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body.required = Some(Required::False);
        }
        self
    }

    /// Adds the response 200 with a JSON object.
    pub(crate) fn response<T: ToSchema>(
        self,
        description: &str,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        self.response_with::<T>(StatusCode::OK, description, examples)
    }

    /// Adds the response 200 with an array of JSON objects.
    pub(crate) fn list_response<T: ToSchema>(
        mut self,
        description: &str,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        let list = ArrayBuilder::new().items(reference::<T>()).build();
        let content = content(Schema::Array(list).into(), examples);
        self.collect::<T>();
        self.add(StatusCode::OK, description, JSON, content)
    }

    /// Adds a response with this status and a JSON object.
    pub(crate) fn response_with<T: ToSchema>(
        mut self,
        status: StatusCode,
        description: &str,
        examples: impl IntoIterator<Item = Example>,
    ) -> Self {
        let content = content(reference::<T>(), examples);
        self.collect::<T>();
        self.add(status, description, JSON, content)
    }

    /// Adds a streamed response: 200 with this content type. If a response 200 was added before, its description is
    /// kept.
    pub(crate) fn stream(self, description: &str, content_type: &str, example: &str) -> Self {
        let content = ContentBuilder::new()
            .schema(Some(Object::with_type(Type::String)))
            .example(Some(Value::from(example)))
            .build();
        self.add(StatusCode::OK, description, content_type, content)
    }

    /// Adds the headers and the error of a call that counts against a rate limit.
    pub(crate) fn rate_limited(self) -> Self {
        headers::RATE_LIMIT.into_iter().fold(self, Self::header).errors([errors::rate_limit()])
    }

    /// Adds the headers and the errors of a call that starts a turn.
    pub(crate) fn starts_turn(self) -> Self {
        self.header(headers::TURN_ID).rate_limited().errors(errors::turn())
    }

    /// Adds a header to the response 200.
    pub(crate) fn header(mut self, name: &str) -> Self {
        if let Some(response) = self.responses.get_mut(&StatusCode::OK.as_u16()) {
            headers::put(response, name);
        }
        self
    }

    /// Adds errors.
    pub(crate) fn errors(mut self, errors: impl IntoIterator<Item = ApiError>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Adds the error of an invalid field: its name, and the rule that it breaks.
    pub(crate) fn invalid(self, param: &str, rule: &str) -> Self {
        self.errors([FieldError::new(param, rule).into()])
    }

    /// Makes the operation, and the schemas that it refers to.
    pub(crate) fn build(self, rules: &Rules) -> (Operation, Schemas) {
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
        let mut errors = errors::common(private);
        errors.extend(self.errors);
        let mut responses = errors::responses(&errors, rules);
        responses.extend(self.responses);
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

    fn add(mut self, status: StatusCode, description: &str, content_type: &str, content: Content) -> Self {
        let response = self.responses.entry(status.as_u16()).or_insert_with(|| Response::new(description));
        response.content.insert(content_type.to_owned(), RefOr::T(content));
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

/// Removes `null` from the types of a parameter: a parameter in the query can be absent, but not null.
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
