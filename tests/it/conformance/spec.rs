//! Zoom's published schemas, read strictly: a field that they do not document is a violation, too.

use std::path::PathBuf;

use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

/// Something that is not as published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// `event meeting.started`, `answer GET /users 200`, `request POST /users`
    pub(crate) subject: String,
    /// Where, with `*` for any place in a list.
    pub(crate) at: String,
    /// What: `missing host_email`, `extra public_ip`, or the schema's keyword.
    pub(crate) what: String,
}

/// The stored documents.
pub(crate) struct Spec {
    rest: Vec<Value>,
    events: Value,
}

/// One operation of the REST API.
pub(crate) struct Operation<'a> {
    /// `GET /meetings/{meetingId}`
    pub(crate) name: String,
    definition: &'a Value,
}

impl Spec {
    /// Reads the documents below `ZOOM_FACTS_DIR`, by default beside the repository; `None`, loudly, when they are
    /// not there.
    pub(crate) fn load() -> Option<Self> {
        let folder = std::env::var_os("ZOOM_FACTS_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/zoom")),
            PathBuf::from,
        );
        let folder = folder.join("openapi");
        if !folder.is_dir() {
            eprintln!(
                "LEFT OUT: no OpenAPI documents of Zoom's in {}; set ZOOM_FACTS_DIR. Without them nobody knows \
                 whether we speak Zoom's language.",
                folder.display()
            );
            return None;
        }
        let read = |name: &str| -> Value {
            serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
        };
        Some(Self {
            rest: vec![read("zoom-meeting.json"), read("zoom-users.json")],
            events: read("zoom-meeting-events.json"),
        })
    }

    /// What is wrong with a webhook's body; `None` for an event without a stored schema.
    pub(crate) fn event(&self, body: &Value) -> Option<Vec<Violation>> {
        let name = body["event"].as_str().unwrap();
        let definition = self.events["webhooks"].get(name)?;
        // Some event schemas refer to parts of themselves below `paths`, although they stand below `webhooks`.
        let schema = json!({
            "paths": {name: definition},
            "$ref": format!("#/paths/{name}/post/requestBody/content/application~1json/schema"),
        });
        // Event schemas say themselves where nothing else may stand.
        Some(violations(&format!("event {name}"), schema, body))
    }

    /// The operation of a request to `path`.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let paths = self.rest.iter().filter_map(|document| document["paths"].as_object()).flatten();
        let mut fitting: Vec<_> = paths.filter(|(template, _)| fits(template, path)).collect();
        // Fixed segments win over placeholders.
        fitting.sort_by_key(|(template, _)| template.matches('{').count());
        let verb = method.to_lowercase();
        let (template, definition) = fitting.into_iter().find_map(|(t, item)| Some((t, item.get(&verb)?)))?;
        Some(Operation { name: format!("{method} {template}"), definition })
    }
}

impl Operation<'_> {
    /// What is wrong with a request's query and body.
    pub(crate) fn request(&self, query: &[String], body: Option<&Value>) -> Vec<Violation> {
        let subject = format!("request {}", self.name);
        let parameters = self.definition["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let in_query = || parameters.iter().filter(|parameter| parameter["in"] == "query");
        let extra = query.iter().filter(|name| !in_query().any(|known| known["name"] == **name));
        let mut found: Vec<Violation> =
            extra.map(|name| violation(&subject, "?", &format!("extra {name}"))).collect();
        for required in in_query().filter(|known| known["required"] == true) {
            let name = required["name"].as_str().unwrap();
            if !query.iter().any(|given| given == name) {
                found.push(violation(&subject, "?", &format!("missing {name}")));
            }
        }
        let schema = &self.definition["requestBody"]["content"]["application/json"]["schema"];
        match (schema.is_null(), body) {
            (false, Some(body)) => found.extend(strictly(&subject, schema, body)),
            (true, Some(_)) => found.push(violation(&subject, "", "a body")),
            (_, None) => {}
        }
        found
    }

    /// What is wrong with an answer.
    pub(crate) fn answer(&self, status: u16, body: Option<&Value>) -> Vec<Violation> {
        let subject = format!("answer {} {status}", self.name);
        let response = &self.definition["responses"][status.to_string()];
        if response.is_null() {
            return vec![violation(&subject, "", "the status")];
        }
        let schema = &response["content"]["application/json"]["schema"];
        match (schema.is_null(), body) {
            (false, Some(body)) => strictly(&subject, schema, body),
            (false, None) => vec![violation(&subject, "", "no body")],
            // Errors are described in prose only.
            (true, Some(_)) if status < 400 => vec![violation(&subject, "", "a body")],
            (true, _) => Vec::new(),
        }
    }
}

fn violation(subject: &str, at: &str, what: &str) -> Violation {
    Violation { subject: subject.to_owned(), at: at.to_owned(), what: what.to_owned() }
}

fn fits(template: &str, path: &str) -> bool {
    let (expected, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    expected.len() == given.len()
        && expected.iter().zip(given).all(|(expected, given)| expected.starts_with('{') || *expected == given)
}

fn violations(subject: &str, schema: Value, instance: &Value) -> Vec<Violation> {
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{subject}: the schema is not usable: {error}"));
    let mut found = Vec::new();
    for error in validator.iter_errors(instance) {
        let path = error.instance_path().to_string();
        let any = |segment: &str| {
            if segment.parse::<usize>().is_ok() { "*".to_owned() } else { segment.to_owned() }
        };
        let at = path.split('/').map(any).collect::<Vec<_>>().join("/");
        let whats = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                unexpected.iter().map(|name| format!("extra {name}")).collect()
            }
            ValidationErrorKind::Required { property } => {
                vec![format!("missing {}", property.as_str().unwrap_or_default())]
            }
            _ => vec![error.kind().keyword().to_owned()],
        };
        found.extend(whats.into_iter().map(|what| violation(subject, &at, &what)));
    }
    found
}

/// What is wrong with an instance by an OpenAPI 3.0 schema, undocumented fields included.
fn strictly(subject: &str, schema: &Value, instance: &Value) -> Vec<Violation> {
    let mut schema = schema.clone();
    allow_null(&mut schema);
    let mut found = violations(subject, schema.clone(), instance);
    let mut undocumented = Vec::new();
    extras(&[&schema], instance, "", &mut undocumented);
    found
        .extend(undocumented.into_iter().map(|(at, name)| violation(subject, &at, &format!("extra {name}"))));
    found
}

/// Says `nullable` in the way of JSON Schema.
fn allow_null(schema: &mut Value) {
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        schema["type"] = json!([schema["type"], "null"]);
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(allow_null),
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        _ => {}
    }
}

/// Finds the fields that none of the `schemas` of this instance, nor any part of them, has a word for.
///
/// The documents do not forbid them, so that the validator lets them pass.
fn extras(schemas: &[&Value], instance: &Value, at: &str, found: &mut Vec<(String, String)>) {
    let parts = parts(schemas);
    match instance {
        Value::Object(fields) if parts.iter().any(|part| part["properties"].is_object()) => {
            for (name, value) in fields {
                let documented: Vec<_> =
                    parts.iter().filter_map(|part| part["properties"].get(name)).collect();
                if documented.is_empty() {
                    found.push((at.to_owned(), name.clone()));
                } else {
                    extras(&documented, value, &format!("{at}/{name}"), found);
                }
            }
        }
        Value::Array(values) => {
            let items: Vec<_> = parts.iter().filter_map(|part| part.get("items")).collect();
            values.iter().for_each(|value| extras(&items, value, &format!("{at}/*"), found));
        }
        _ => {}
    }
}

/// The schemas and what they are composed of.
fn parts<'a>(schemas: &[&'a Value]) -> Vec<&'a Value> {
    let mut parts = schemas.to_vec();
    for schema in schemas {
        for composition in ["allOf", "anyOf", "oneOf"] {
            let members: Vec<_> = schema[composition].as_array().into_iter().flatten().collect();
            parts.extend(self::parts(&members));
        }
    }
    parts
}
