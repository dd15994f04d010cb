//! The OpenAPI document: collected from the handlers, with what is common to all of them added here.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::appointments::{self, ad_hoc, batch, calendar, commands, create, resync, story};
use super::error::ErrorBody;
use super::meetings::{
    self, attendance, doors, hands, join, live, matching, participants, registrants, unmatched, write,
};
use super::people::{self, erase, export};
use super::reports::{self, analytics, export as tables, stats};
use super::{
    admin, connection, dead_letters, docs, events, evidence, groups, health, hosts, metrics, notifications,
    orphans, report_history, rules, series, webhook, zoom_users,
};

/// Handlers are listed in the order of `routes.rs`.
#[derive(OpenApi)]
#[openapi(
    info(title = "convened", description = "Keeps one Zoom meeting true to every booking and says who was there"),
    paths(
        health::process,
        health::ready,
        metrics::page,
        docs::document,
        docs::page,
        webhook::receive_webhook,
        dead_letters::list,
        orphans::list,
        dead_letters::replay,
        events::stream,
        notifications::endpoints,
        notifications::enable,
        notifications::dead_letters,
        notifications::replay,
        zoom_users::list,
        zoom_users::create,
        zoom_users::get,
        zoom_users::change,
        zoom_users::remove,
        zoom_users::licence,
        zoom_users::zak,
        connection::status,
        connection::health,
        connection::config,
        people::list,
        people::put,
        people::get,
        erase::erase,
        export::everything,
        people::deactivate,
        people::reactivate,
        hosts::get,
        groups::list,
        groups::put,
        groups::get,
        groups::dissolve,
        rules::list,
        rules::get,
        rules::put,
        rules::preview::preview,
        rules::recalculate::recalculate,
        create::create,
        appointments::list,
        batch::create,
        ad_hoc::create,
        appointments::get,
        commands::patch,
        commands::confirm,
        commands::cancel,
        commands::complete,
        resync::resync,
        story::get,
        calendar::get,
        series::get,
        report_history::list,
        report_history::show,
        meetings::list,
        write::create,
        registrants::register_student,
        meetings::show_of_appointment,
        meetings::show,
        write::change,
        write::remove,
        doors::start,
        doors::end,
        doors::link,
        join::show,
        join::press,
        join::signature,
        registrants::list,
        registrants::add,
        registrants::remove,
        participants::show,
        attendance::show,
        unmatched::queue,
        live::show,
        matching::settle,
        matching::unsettle,
        evidence::show,
        hands::put,
        hands::lift,
        evidence::evidence,
        reports::get,
        tables::reports_csv,
        tables::reports_xlsx,
        admin::cleanup,
        stats::get,
        analytics::get,
        tables::meeting_csv,
        tables::meeting_xlsx,
    ),
    components(schemas(ErrorBody)),
    security(("bearer" = [])),
    modifiers(&Bearer, &SecondWebhookPath, &PutsAreNamed, &ErrorAnswer)
)]
struct Description;

/// The document, as it is served at `/api/openapi.json`.
#[must_use]
pub fn openapi() -> Document {
    Description::openapi()
}

/// How callers say who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("Claims: `sub`, `role`, `exp`; optional `name`, `email`, `nbf`"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Zoom may be told either of two addresses.
struct SecondWebhookPath;

impl Modify for SecondWebhookPath {
    fn modify(&self, document: &mut Document) {
        if let Some(mut item) = document.paths.paths.get("/api/zoom/webhook").cloned() {
            for operation in operations(&mut item) {
                operation.operation_id = Some("receive_webhook_too".to_owned());
            }
            document.paths.paths.insert("/api/zoom/webhooks".to_owned(), item);
        }
    }
}

/// One handler answers PATCH and PUT; in the document each has a name of its own.
struct PutsAreNamed;

impl Modify for PutsAreNamed {
    fn modify(&self, document: &mut Document) {
        for item in document.paths.paths.values_mut() {
            if let (Some(put), Some(patch)) = (&mut item.put, &item.patch)
                && put.operation_id == patch.operation_id
            {
                put.operation_id = put.operation_id.as_ref().map(|name| format!("put_{name}"));
            }
        }
    }
}

/// Every failure has the same body.
struct ErrorAnswer;

impl Modify for ErrorAnswer {
    fn modify(&self, document: &mut Document) {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let failure = ResponseBuilder::new()
            .description("Any failure: `error.code` says which")
            .content("application/json", body)
            .build();
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), RefOr::T(failure.clone()));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Where routes are written down.
    const TABLES: [&str; 2] = [include_str!("routes.rs"), include_str!("webhook.rs")];

    /// What the URL tables say, read from their text: actix does not tell what it was given.
    fn served() -> BTreeSet<(String, &'static str)> {
        let mut served = BTreeSet::new();
        for resource in TABLES.iter().flat_map(|table| table.split("resource(").skip(1)) {
            let (paths, handlers) = resource.split_once(")").unwrap();
            let paths = paths.split('"').skip(1).step_by(2);
            for path in paths {
                for method in ["get", "put", "post", "patch", "delete"] {
                    if handlers.contains(&format!("{method}().to(")) {
                        served.insert((path.replace(":.+}", "}"), method));
                    }
                }
            }
        }
        served
    }

    fn described() -> BTreeSet<(String, &'static str)> {
        let mut described = BTreeSet::new();
        for (path, item) in openapi().paths.paths {
            let methods = [
                ("get", item.get),
                ("put", item.put),
                ("post", item.post),
                ("patch", item.patch),
                ("delete", item.delete),
            ];
            let methods = methods.into_iter().filter(|(_, operation)| operation.is_some());
            described.extend(methods.map(|(method, _)| (path.clone(), method)));
        }
        described
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        assert_eq!(served(), described());
        assert!(served().contains(&("/api/zoom/webhook".to_owned(), "post")));
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_what_a_failure_looks_like() {
        let mut names = BTreeSet::new();
        for operation in openapi().paths.paths.values_mut().flat_map(operations) {
            let name = operation.operation_id.clone().unwrap();
            assert!(names.insert(name.clone()), "{name} is there twice");
            assert!(operation.responses.responses.contains_key("default"), "{name}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = serde_json::to_value(openapi()).unwrap();
        let text = document.to_string();
        for reference in text.split(r##""$ref":"#"##).skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
