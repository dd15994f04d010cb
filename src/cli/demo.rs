//! `convened demo`: the whole path in half a minute, on this machine alone.
//!
//! A sandbox of Zoom in this process, the daemon as a process of its own, and a calling system that books a class
//! of 25 over HTTP, moves it, lets it be played at 240 times the speed of life, and compares the daemon's marks
//! with what really happened. `kill -9` the daemon meanwhile (or let `--kill` do it): the marks are the same.

mod client;
mod daemon;
mod narrator;
mod scores;
mod script;
mod stage;

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{Duration, DurationRound as _};
use clap::Args;
use serde_json::{Value, json};

use super::FAULT;
use super::sandbox::wait_for_the_end;
use crate::clock::Instant;
use crate::sandbox::classes::{ClassState, ClassView};
use client::text;
use scores::Scores;
use script::Script;
use stage::Stage;

const GROUP: &str = "algebra-1";
const TITLE: &str = "Algebra I";
const MINUTES: i64 = 45;
/// How far ahead the class is moved to: time enough for Zoom to hear of it, also on a slow machine.
const LEAD_MINUTES: i64 = 15;
/// When `--kill` strikes: in the middle of everything.
const KILL_AT_MINUTES: i64 = 21;
/// The daemon is told of the last leaves after the end.
const AFTERGLOW_MINUTES: i64 = 2;

/// Play a class of 25 against a simulated Zoom and print the scored roster.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 only if every mark and score equals what really happened.")]
pub(super) struct Demo {
    /// Stay up afterwards, to look around, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// `kill -9` the daemon in the middle of the class.
    #[arg(long)]
    kill: bool,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let stage = Stage::build().await?;
            let played = self.play(&stage).await;
            if let Err(error) = played {
                // The folder tells what went wrong, so it stays.
                let Stage { folder, .. } = stage;
                return Err(
                    error.context(format!("the demo failed; its log is in {}", folder.keep().display()))
                );
            }
            if self.keep {
                tokio::task::spawn_blocking(wait_for_the_end).await??;
            }
            stage.strike().await?;
            Ok(if matches!(played, Ok(true)) { ExitCode::SUCCESS } else { ExitCode::from(FAULT) })
        })
    }

    /// Plays it all; whether every mark was right.
    async fn play(&self, stage: &Stage) -> anyhow::Result<bool> {
        let mut script = Script::read(stage.sandbox.state())?;
        enrol(stage, &script).await?;
        let booked = book(stage, &script).await?;
        let start = move_it(stage, &booked).await?;
        script.timetable.meeting.clone_from(&booked.number);
        let class = stage.sandbox.classes().play(script.timetable.clone())?;
        self.watch(stage, class, start).await?;
        let attendance = wait_for_marks(stage, &booked, script.attendees()).await?;
        let truth = view(stage, class)?.truth;
        let scores = Scores::compare(&attendance, &truth, &script.roster, start)?;
        conclude(stage, &booked, &scores).await?;
        look_around(stage, &booked, self.keep);
        Ok(scores.right() == scores.len())
    }

    /// Watches the class until it is over.
    async fn watch(&self, stage: &Stage, class: u64, start: Instant) -> anyhow::Result<()> {
        let narrator = &stage.narrator;
        let at = |minutes| start + Duration::minutes(minutes);
        let webhooks = || {
            let counts = stage.sandbox.delivery().counts();
            format!("{} webhooks delivered, {} on their way", counts.delivered, counts.waiting)
        };
        narrator.step(
            "class",
            "people are coming: late-comers, re-joins, two devices, a waiting room, a killed phone",
        );
        if self.kill {
            narrator.watch(start, at(KILL_AT_MINUTES), webhooks).await;
            narrator.step("demo", "kill -9");
            stage.daemon.kill()?;
        }
        narrator.watch(start, at(MINUTES + AFTERGLOW_MINUTES), webhooks).await;
        match view(stage, class)?.state {
            ClassState::Failed(reason) => anyhow::bail!("the class could not be played: {reason}"),
            _ => narrator.step("class", format_args!("over; {}", webhooks())),
        }
        Ok(())
    }
}

/// What was booked.
struct Booked {
    /// The daemon's id of the booking.
    appointment: String,
    /// The daemon's id of the meeting.
    meeting: String,
    /// Zoom's number of it.
    number: String,
}

/// Tells the daemon who there is.
async fn enrol(stage: &Stage, script: &Script) -> anyhow::Result<()> {
    let mut members = Vec::new();
    for person in &script.roster {
        let role = if person.host { "host" } else { "attendee" };
        let body = json!({"name": person.name, "email": person.email, "role": role});
        stage.api.put(&format!("/api/people/{}", person.reference), body).await?;
        members.push(json!({"person": person.reference, "role": role}));
    }
    let group = json!({"kind": "class", "name": TITLE, "members": members});
    stage.api.put(&format!("/api/groups/{GROUP}"), group).await?;
    let count = script.attendees();
    stage.narrator.step("caller", format_args!("{count} people and their host are in the group `{GROUP}`"));
    Ok(())
}

/// Books the class for tomorrow and sees it at Zoom.
async fn book(stage: &Stage, script: &Script) -> anyhow::Result<Booked> {
    let tomorrow = (stage.clock.now() + Duration::days(1)).duration_trunc(Duration::hours(1))?;
    let body = json!({
        "kind": "class", "title": TITLE, "group": GROUP, "host": script.host()?.reference,
        "start_time": tomorrow, "duration": MINUTES, "timezone": "Europe/Berlin",
    });
    let answer = stage.api.post("/api/appointments", body).await?;
    let appointment = text(&answer, "/appointment/id")?;
    let path = format!("/api/appointments/{appointment}");
    let synced =
        |answer: &Value| answer.pointer("/appointment/meeting/zoom_meeting_id")?.as_str().map(str::to_owned);
    let number = stage.api.until(&path, "the meeting at Zoom", synced).await?;
    let meeting = text(&stage.api.get(&path).await?, "/appointment/meeting/id")?;
    at_zoom(stage, &number, tomorrow)?;
    let when = tomorrow.format("%A %H:%M");
    stage
        .narrator
        .step("caller", format_args!("booked `{TITLE}` for {when} UTC; Zoom has it as meeting {number}"));
    Ok(Booked { appointment, meeting, number })
}

/// Moves the class to a quarter of an hour from now and sees Zoom follow.
async fn move_it(stage: &Stage, booked: &Booked) -> anyhow::Result<Instant> {
    let start = (stage.clock.now() + Duration::minutes(LEAD_MINUTES)).duration_trunc(Duration::minutes(1))?;
    let path = format!("/api/appointments/{}", booked.appointment);
    stage.api.patch(&path, json!({"start_time": start})).await?;
    let in_sync =
        |answer: &Value| (answer.pointer("/appointment/meeting/sync/state")? == "in_sync").then_some(());
    stage.api.until(&path, "Zoom to follow the move", in_sync).await?;
    at_zoom(stage, &booked.number, start)?;
    let when = start.format("%H:%M");
    stage
        .narrator
        .step("caller", format_args!("moved it to today {when} UTC; Zoom follows, the number stays"));
    Ok(start)
}

/// Checks with the account itself, not with the daemon, that the meeting is there at its time.
fn at_zoom(stage: &Stage, number: &str, start: Instant) -> anyhow::Result<()> {
    let meeting = stage.sandbox.state().meeting(number.parse()?).context("Zoom does not have the meeting")?;
    anyhow::ensure!(meeting.start == start, "Zoom has the meeting at {}", meeting.start);
    let live = stage.sandbox.state().meetings().len();
    anyhow::ensure!(live == 1, "Zoom has {live} meetings instead of one");
    Ok(())
}

/// Waits until Zoom's report was read and every mark is final.
async fn wait_for_marks(stage: &Stage, booked: &Booked, people: usize) -> anyhow::Result<Value> {
    let path = format!("/api/zoom/meetings/{}/attendance", booked.meeting);
    let records = |answer: &Value| answer.get("records")?.as_array().cloned();
    let provisional = |record: &Value| record.get("provisional") != Some(&Value::Bool(false));
    let marked = |answer: &Value| (records(answer)?.len() == people).then_some(());
    stage.api.until(&path, "the first marks", marked).await?;
    stage.narrator.step("daemon", "provisional marks, from the webhooks alone");
    let final_marks = |answer: &Value| {
        let records = records(answer)?;
        (records.len() == people && !records.iter().any(provisional)).then(|| answer.clone())
    };
    let attendance = stage.api.until(&path, "final marks", final_marks).await?;
    stage.narrator.step("daemon", "Zoom's report is read: the marks are final");
    Ok(attendance)
}

fn view(stage: &Stage, class: u64) -> anyhow::Result<ClassView> {
    stage.sandbox.classes().view(class).context("the sandbox forgot the class")
}

/// Prints the roster, and the story of the booking.
async fn conclude(stage: &Stage, booked: &Booked, scores: &Scores) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    let story = stage.api.get(&format!("/api/appointments/{}/story", booked.appointment)).await?;
    narrator.line("\nWhat the daemon remembers of it (GET /api/appointments/{id}/story):");
    for entry in story.get("story").and_then(Value::as_array).into_iter().flatten() {
        let at: Option<Instant> = entry.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok());
        let at = at.map_or_else(String::new, |at| at.format("%d %b %H:%M:%S").to_string());
        narrator.line(format_args!("  {at}  {}", entry.get("text").and_then(Value::as_str).unwrap_or("?")));
    }
    narrator.line(format_args!("\n{}", scores.table()));
    let participants = stage.api.get(&format!("/api/zoom/meetings/{}/participants", booked.meeting)).await?;
    let strangers = participants.get("unmatched").and_then(Value::as_array).map_or(0, Vec::len);
    narrator.line(format_args!(
        "{} of {} marks and scores equal the ground truth; {strangers} participant not on the roster; {:.1} s.",
        scores.right(),
        scores.len(),
        narrator.elapsed().as_secs_f64(),
    ));
    Ok(())
}

/// What to try next.
fn look_around(stage: &Stage, booked: &Booked, keep: bool) {
    let Stage { url, token, narrator, .. } = stage;
    if !keep {
        narrator.line("Run it with --keep to look around, with --kill to kill the daemon in the middle.");
        return;
    }
    let meeting = &booked.meeting;
    narrator.line(format_args!(
        "\nStill running until Ctrl-C:\n  {url}/docs      the API\n  {url}/metrics\n  {sandbox}/sandbox/ledger   every call to \
         Zoom\n\n  TOKEN={token}\n  curl -H \"Authorization: Bearer $TOKEN\" {url}/api/zoom/meetings/{meeting}/attendance\n  \
         curl -H \"Authorization: Bearer $TOKEN\" {url}/api/zoom/meetings/{meeting}/attendance/vera/evidence > why.html\n  \
         curl -H \"Authorization: Bearer $TOKEN\" {url}/api/appointments/{appointment}/story\n  \
         curl -H \"Authorization: Bearer $TOKEN\" '{url}/api/appointments?limit=5'",
        sandbox = stage.sandbox.url(),
        appointment = booked.appointment,
    ));
}
