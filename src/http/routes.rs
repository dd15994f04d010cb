//! The URL table: which path is answered by whom. A path without the method asked for answers 405.

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, delete, get, patch, post, put};

use super::appointments::{self, ad_hoc, batch, calendar, commands, create, resync, story};
use super::meetings::{
    self, attendance, doors, hands, join, live, matching, participants, registrants, unmatched, write,
};
use super::people::{self, erase, export};
use super::reports::{self, analytics, export as tables, stats};
use super::{
    admin, admission, connection, dead_letters, docs, events, evidence, groups, health, hosts, metrics,
    notifications, orphans, report_history, rules, series, webhook, zoom_users,
};

/// Every path of the daemon.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/healthz").route(get().to(health::process)))
        .service(web::resource("/readyz").route(get().to(health::ready)))
        .service(web::resource("/metrics").route(get().to(metrics::page)))
        .service(web::resource("/docs").route(get().to(docs::page)))
        .service(web::resource("/api/openapi.json").route(get().to(docs::document)))
        .configure(docs::configure)
        // An operator must get an answer from a daemon that is full: only what follows is limited.
        .service(web::scope("").wrap(from_fn(admission::in_flight)).configure(limited));
}

/// The paths that count as requests in flight.
fn limited(cfg: &mut ServiceConfig) {
    cfg.configure(webhooks)
        .configure(zoom)
        .configure(news)
        .configure(users)
        .configure(directory)
        .configure(bookings)
        .configure(saved_reports)
        .configure(meetings)
        .configure(reported);
}

fn webhooks(cfg: &mut ServiceConfig) {
    cfg.configure(webhook::configure)
        .service(web::resource("/api/zoom/webhooks/dead-letters").route(get().to(dead_letters::list)))
        .service(web::resource("/api/zoom/orphans").route(get().to(orphans::list)))
        .service(
            web::resource("/api/zoom/webhooks/dead-letters/{id}/replay")
                .route(post().to(dead_letters::replay)),
        );
}

fn zoom(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/api/zoom/connection-status").route(get().to(connection::status)))
        .service(web::resource("/api/zoom/health").route(get().to(connection::health)))
        .service(web::resource("/api/zoom/config").route(get().to(connection::config)));
}

fn news(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/api/events").route(get().to(events::stream)))
        .service(web::resource("/api/notifications/endpoints").route(get().to(notifications::endpoints)))
        .service(
            web::resource("/api/notifications/endpoints/{id}/enable").route(post().to(notifications::enable)),
        )
        .service(
            web::resource("/api/notifications/dead-letters").route(get().to(notifications::dead_letters)),
        )
        .service(
            web::resource("/api/notifications/dead-letters/{id}/replay")
                .route(post().to(notifications::replay)),
        );
}

fn users(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/api/zoom/users")
            .route(get().to(zoom_users::list))
            .route(post().to(zoom_users::create)),
    )
    .service(
        web::resource("/api/zoom/users/{id}")
            .route(get().to(zoom_users::get))
            .route(patch().to(zoom_users::change))
            .route(delete().to(zoom_users::remove)),
    )
    .service(web::resource("/api/zoom/users/{id}/licence").route(post().to(zoom_users::licence)))
    .service(web::resource("/api/zoom/users/{id}/zak").route(get().to(zoom_users::zak)));
}

fn directory(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/api/people").route(get().to(people::list)))
        .service(
            web::resource("/api/people/{ref}")
                .route(put().to(people::put))
                .route(get().to(people::get))
                .route(delete().to(erase::erase)),
        )
        .service(web::resource("/api/people/{ref}/export").route(get().to(export::everything)))
        .service(web::resource("/api/people/{ref}/deactivate").route(post().to(people::deactivate)))
        .service(web::resource("/api/people/{ref}/reactivate").route(post().to(people::reactivate)))
        .service(web::resource("/api/hosts/availability").route(get().to(hosts::get)))
        .service(web::resource("/api/groups").route(get().to(groups::list)))
        .service(web::resource("/api/groups/{ref}").route(put().to(groups::put)).route(get().to(groups::get)))
        .service(web::resource("/api/groups/{ref}/dissolve").route(post().to(groups::dissolve)))
        .service(web::resource("/api/attendance-rules").route(get().to(rules::list)))
        .service(
            web::resource("/api/attendance-rules/{name}")
                .route(get().to(rules::get))
                .route(put().to(rules::put)),
        )
        .service(
            web::resource("/api/attendance-rules/{name}/preview").route(post().to(rules::preview::preview)),
        )
        .service(
            web::resource("/api/attendance-rules/{name}/recalculate")
                .route(post().to(rules::recalculate::recalculate)),
        );
}

fn bookings(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/api/appointments")
            .route(post().to(create::create))
            .route(get().to(appointments::list)),
    )
    .service(web::resource("/api/appointments/batch").route(post().to(batch::create)))
    .service(web::resource("/api/appointments/ad-hoc").route(post().to(ad_hoc::create)))
    .service(
        web::resource("/api/appointments/{id}")
            .route(get().to(appointments::get))
            .route(patch().to(commands::patch)),
    )
    .service(web::resource("/api/appointments/{id}/confirm").route(post().to(commands::confirm)))
    .service(web::resource("/api/appointments/{id}/cancel").route(post().to(commands::cancel)))
    .service(web::resource("/api/appointments/{id}/complete").route(post().to(commands::complete)))
    .service(web::resource("/api/appointments/{id}/resync").route(post().to(resync::resync)))
    .service(web::resource("/api/appointments/{id}/story").route(get().to(story::get)))
    .service(web::resource("/api/appointments/{id}/calendar.ics").route(get().to(calendar::get)))
    .service(web::resource("/api/series/{id}").route(get().to(series::get)));
}

fn saved_reports(cfg: &mut ServiceConfig) {
    // Uuids hold slashes, which some clients do not encode.
    cfg.service(web::resource("/api/zoom/reports/history").route(get().to(report_history::list))).service(
        web::resource("/api/zoom/reports/history/{instance:.+}").route(get().to(report_history::show)),
    );
}

fn meetings(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/api/zoom/meetings").route(get().to(meetings::list)).route(post().to(write::create)),
    )
    .service(
        web::resource("/api/zoom/meetings/register-student").route(post().to(registrants::register_student)),
    )
    .service(
        web::resource("/api/zoom/meetings/appointment/{appointment}")
            .route(get().to(meetings::show_of_appointment)),
    )
    .service(
        web::resource("/api/zoom/meetings/{id}")
            .route(get().to(meetings::show))
            .route(patch().to(write::change))
            .route(put().to(write::change))
            .route(delete().to(write::remove)),
    )
    .service(web::resource("/api/zoom/meetings/{id}/start").route(post().to(doors::start)))
    .service(web::resource("/api/zoom/meetings/{id}/end").route(post().to(doors::end)))
    .service(web::resource("/api/zoom/meetings/{id}/link").route(get().to(doors::link)))
    .service(web::resource("/api/zoom/meetings/{id}/participants").route(get().to(participants::show)))
    .service(web::resource("/api/zoom/meetings/{id}/attendance").route(get().to(attendance::show)))
    .configure(registrations)
    .configure(marks);
}

fn registrations(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/api/zoom/meetings/{id}/join")
            .route(get().to(join::show))
            .route(post().to(join::press)),
    )
    .service(web::resource("/api/zoom/sdk-signature").route(get().to(join::signature)))
    .service(
        web::resource("/api/zoom/meetings/{id}/registrants")
            .route(get().to(registrants::list))
            .route(post().to(registrants::add)),
    )
    .service(
        web::resource("/api/zoom/meetings/{id}/registrants/{registrant}")
            .route(delete().to(registrants::remove)),
    );
}

fn marks(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/api/attendance/unmatched").route(get().to(unmatched::queue)))
        .service(web::resource("/api/zoom/meetings/{id}/live").route(get().to(live::show)))
        // Before the person of that name.
        .service(web::resource("/api/zoom/meetings/{id}/attendance/match").route(post().to(matching::settle)))
        .service(
            web::resource("/api/zoom/meetings/{id}/attendance/match/{participant}")
                .route(delete().to(matching::unsettle)),
        )
        .service(
            web::resource("/api/zoom/meetings/{id}/attendance/{person}")
                .route(get().to(evidence::show))
                .route(put().to(hands::put))
                .route(delete().to(hands::lift)),
        )
        .service(
            web::resource("/api/zoom/meetings/{id}/attendance/{person}/evidence")
                .route(get().to(evidence::evidence)),
        );
}

fn reported(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/api/zoom/reports").route(get().to(reports::get)))
        .service(web::resource("/api/zoom/reports.csv").route(get().to(tables::reports_csv)))
        .service(web::resource("/api/zoom/reports.xlsx").route(get().to(tables::reports_xlsx)))
        .service(web::resource("/api/admin/cleanup").route(post().to(admin::cleanup)))
        .service(web::resource("/api/zoom/stats").route(get().to(stats::get)))
        .service(web::resource("/api/zoom/analytics/meetings").route(get().to(analytics::get)))
        .service(web::resource("/api/zoom/meetings/{id}/attendance.csv").route(get().to(tables::meeting_csv)))
        .service(
            web::resource("/api/zoom/meetings/{id}/attendance.xlsx").route(get().to(tables::meeting_xlsx)),
        );
}
