//! The drawing of a mark, as SVG: by itself, or in the page.

use maud::{Markup, html};

use super::account::Account;
use super::clock_face::clean;
use super::style;
use super::timeline::{Bar, Chart, Kind, LEFT, RIGHT, Row, WIDTH, lay_out};
use super::words;

/// Where the first row begins, below the axis.
const TOP: f64 = 34.0;
/// From one row to the next.
const ROW: f64 = 23.0;
/// The height of a bar.
const BAR: f64 = 13.0;
/// The height of the legend below the rows.
const LEGEND: f64 = 34.0;

/// The drawing as a document of its own.
pub(super) fn standalone(account: &Account) -> String {
    let drawing = drawing(account, true).into_string();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{drawing}\n")
}

/// The drawing inside a page, which brings its style.
pub(super) fn inline(account: &Account) -> Markup {
    drawing(account, false)
}

fn drawing(account: &Account, with_style: bool) -> Markup {
    let chart = lay_out(account);
    let bottom = TOP + ROW * chart.rows.len() as f64;
    let left_out = if chart.left_out > 0 { 18.0 } else { 0.0 };
    let height = bottom + left_out + LEGEND;
    let said = words::say(account);
    html! {
        svg class="timeline" xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (height) }
            width=(WIDTH) height=(height) role="img" aria-labelledby="timeline-title timeline-desc" {
            title id="timeline-title" {
                "Timeline: " (clean(&account.person.name)) ", " (clean(&account.lesson.title))
            }
            desc id="timeline-desc" { (said.verdict) @for sentence in &said.sentences { " " (sentence) } }
            @if with_style { style { (maud::PreEscaped(style::DRAWING)) } }
            defs {
                pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse"
                    patternTransform="rotate(45)" { line class="hatch" x1="0" y1="0" x2="0" y2="5" {} }
            }
            (axis(&chart, bottom))
            @for (place, row) in chart.rows.iter().enumerate() { (row_of(row, TOP + ROW * place as f64)) }
            @if chart.left_out > 0 {
                text class="soft" x=(LEFT) y=(bottom + 12.0) {
                    (chart.left_out) " more rows are in the table of connections"
                }
            }
            (legend(bottom + left_out + 20.0))
        }
    }
}

fn axis(chart: &Chart, bottom: f64) -> Markup {
    let (from, to) = chart.window;
    html! {
        text class="soft" x="8" y="18" { (chart.zone) }
        rect class="shade" x=(from) y=(TOP - 6.0) width=((to - from).max(0.0)) height=(bottom - TOP + 6.0) {}
        @for tick in &chart.ticks {
            line class="grid" x1=(tick.x) y1=(TOP - 8.0) x2=(tick.x) y2=(bottom) {}
            text class="num" x=(tick.x) y="18" text-anchor=(anchor(tick.x)) { (tick.label) }
        }
        @for x in [from, to] { line class="edge" x1=(x) y1=(TOP - 6.0) x2=(x) y2=(bottom) {} }
    }
}

/// A label at the edge stays inside.
fn anchor(x: f64) -> &'static str {
    if x > RIGHT - 24.0 { "end" } else { "middle" }
}

fn row_of(row: &Row, y: f64) -> Markup {
    let is_total = row.bars.iter().any(|bar| bar.kind == Kind::Total) || row.label == "counted";
    html! {
        @if is_total { line class="sum" x1="8" y1=(y) x2=(RIGHT) y2=(y) {} }
        text x="8" y=(y + 15.0) { (row.label) }
        @for bar in &row.bars { (bar_of(bar, y + 4.5)) }
    }
}

fn bar_of(bar: &Bar, y: f64) -> Markup {
    let end = bar.x + bar.width;
    let middle = y + BAR / 2.0;
    html! {
        g {
            title { (bar.title) }
            rect class=(class(bar.kind)) x=(bar.x) y=(y) width=(bar.width) height=(BAR) rx="2" {}
            @if bar.cut.0 {
                path class="cut" d={ "M" (bar.x - 2.0) " " (y + 2.0) "l-6 " (middle - y - 2.0) "l6 " (middle - y - 2.0) "z" } {}
            }
            @if bar.cut.1 {
                path class="cut" d={ "M" (end + 2.0) " " (y + 2.0) "l6 " (middle - y - 2.0) "l-6 " (middle - y - 2.0) "z" } {}
            }
        }
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Planned => "planned",
        Kind::Window => "window",
        Kind::Host => "host",
        Kind::Counted => "counted",
        Kind::Uncounted => "uncounted",
        Kind::Waiting => "waiting",
        Kind::Total => "total",
    }
}

fn legend(y: f64) -> Markup {
    let entries = [
        (Kind::Counted, "counts"),
        (Kind::Uncounted, "does not count"),
        (Kind::Waiting, "waiting room"),
        (Kind::Host, "host"),
        (Kind::Window, "counted from–to"),
        (Kind::Planned, "planned"),
    ];
    html! {
        g aria-hidden="true" {
            @for (place, (kind, text)) in entries.into_iter().enumerate() {
                rect class=(class(kind)) x=(LEFT + 130.0 * place as f64) y=(y - 9.0) width="18" height="10" rx="2" {}
                text class="soft" x=(LEFT + 130.0 * place as f64 + 24.0) y=(y) { (text) }
            }
        }
    }
}
