//! How fast evidence becomes marks, on one core: reading webhooks, folding them, assessing a large meeting.
//!
//! `cargo bench --bench scoring` prints elements (events, participants) a second. A participant here joins, waits
//! to be admitted, moves through a breakout room and leaves: seven webhooks.

#![expect(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{DateTime, Utc};
use convened::domain::attendance::{Assessment, InstanceSpan, RosterPerson, Rules, assess};
use convened::domain::connection::{Connection, Connections};
use convened::domain::events::ZoomEvent;
use convened::zoom::event::parse;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTICIPANTS: usize = 1_000;

fn second(second: usize) -> DateTime<Utc> {
    DateTime::from_timestamp(1_768_471_200 + i64::try_from(second).unwrap(), 0).unwrap()
}

/// The webhook bodies of one participant.
fn bodies(who: usize) -> Vec<Vec<u8>> {
    let steps = [
        ("joined_waiting_room", "date_time", 0, 'a'),
        ("admitted", "date_time", 20, 'a'),
        ("joined", "join_time", 20, 'a'),
        ("left", "leave_time", 900, 'a'),
        ("joined_breakout_room", "join_time", 900, 'b'),
        ("left_breakout_room", "leave_time", 1800, 'b'),
        ("joined", "join_time", 1800, 'c'),
    ];
    let body = |(event, field, offset, stretch): (&str, &str, usize, char)| {
        let at = second(offset + who % 60).format("%Y-%m-%dT%H:%M:%SZ");
        format!(
            r#"{{"event":"meeting.participant_{event}","event_ts":1768471200123,"payload":{{"account_id":"AAAAAABBBB","object":{{"id":"85746065432","uuid":"4444AAAiAAAAAiAiAiiAii==","host_id":"x1yCzABCDEfg23HiJKl4mN","topic":"Algebra","type":2,"start_time":"2026-01-15T10:00:00Z","timezone":"Europe/Prague","duration":60,"participant":{{"user_id":"{who}{}","user_name":"Pupil {who}","id":"","participant_uuid":"10010282-DB44-816C-{stretch}-{who:012}","{field}":"{at}","email":"pupil{who}@example.com","registrant_id":"registrant-{who}","participant_user_id":"","public_ip":"203.0.113.7"}}}}}}}}"#,
            u32::from(stretch),
        )
        .into_bytes()
    };
    steps.into_iter().map(body).collect()
}

fn roster() -> Vec<RosterPerson> {
    (0..PARTICIPANTS)
        .map(|who| RosterPerson {
            person: format!("pupil-{who}"),
            name: format!("Pupil {who}"),
            email: Some(format!("pupil{who}@example.com")),
            zoom_user_id: None,
            registrant_ids: vec![format!("registrant-{who}")],
            host: who == 0,
        })
        .collect()
}

fn scoring(criterion: &mut Criterion) {
    let bodies: Vec<Vec<u8>> = (0..PARTICIPANTS).flat_map(bodies).collect();
    let events: Vec<ZoomEvent> = bodies.iter().map(|body| parse(body).unwrap()).collect();
    let folded = |events: &[ZoomEvent]| events.iter().collect::<Connections>().into_vec();
    let connections: Vec<Connection> = folded(&events);
    let (roster, settled, rules) = (roster(), BTreeMap::new(), Rules::default());
    let instances = [InstanceSpan {
        uuid: "4444AAAiAAAAAiAiAiiAii==".to_owned(),
        started: Some(second(0)),
        ended: Some(second(3600)),
        report_complete: false,
    }];
    let running = [InstanceSpan { ended: None, ..instances[0].clone() }];
    let assessed_in = |instances: &[InstanceSpan], connections: &[Connection]| {
        assess(&Assessment {
            planned_start: second(0),
            planned_end: second(3600),
            as_of: second(2400),
            roster: &roster,
            instances,
            connections,
            settled: &settled,
            rules: &rules,
        })
    };
    let assessed = |connections: &[Connection]| assessed_in(&instances, connections);

    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(u64::try_from(events.len()).unwrap()));
    group.bench_function("parse", |b| {
        b.iter(|| bodies.iter().filter(|body| parse(black_box(body)).is_ok()).count())
    });
    group.bench_function("fold", |b| {
        b.iter_batched(|| (), |()| folded(black_box(&events)), BatchSize::LargeInput)
    });
    group.bench_function("score", |b| {
        b.iter_batched(|| (), |()| assessed(black_box(&connections)), BatchSize::LargeInput);
    });
    group.bench_function("fold_and_score", |b| {
        b.iter_batched(|| (), |()| assessed(&folded(black_box(&events))), BatchSize::LargeInput);
    });
    group.finish();

    let mut group = criterion.benchmark_group("meeting");
    group.throughput(Throughput::Elements(u64::try_from(PARTICIPANTS).unwrap()));
    group.bench_function("rescore_1000_participants", |b| {
        b.iter_batched(|| (), |()| assessed(black_box(&connections)), BatchSize::LargeInput);
    });
    group.bench_function("rescore_1000_participants_live", |b| {
        b.iter_batched(|| (), |()| assessed_in(&running, black_box(&connections)), BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, scoring);
criterion_main!(benches);
