//! The rows behind the door to Zoom, on both databases: who goes first, what is used up, whether the credentials
//! are good.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convened::domain::shard::ShardSet;
use convened::store::due::{self, DueKind, Room};
use convened::store::{UtcMillis, rate_budget, zoom_connection};

use crate::support::database::on_each_database;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn room(sync: i64, zoom: bool) -> Room {
    Room { sync, other: 100, zoom }
}

on_each_database! {
    meetings_come_in_their_order_and_only_as_many_as_there_is_room_for(database) {
        let mut conn = database.conn();
        let now = UtcMillis::from(at(0));
        for (key, start) in [("late", 90), ("soon", 10), ("middle", 30)] {
            let start = UtcMillis::from(at(start));
            due::set_ranked(&mut conn, DueKind::Sync, key, now, start).unwrap();
        }
        due::set_ranked(&mut conn, DueKind::Sync, "cancelled", now, due::first_in_line()).unwrap();
        due::set_ranked(&mut conn, DueKind::Sync, "not yet", UtcMillis::from(at(1)), due::first_in_line()).unwrap();
        let again = UtcMillis::from(at(2));
        let mut claim = |room| {
            let rows = due::claim(&mut conn, ShardSet::ALL, now, again, room).unwrap();
            rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
        };
        assert_eq!(claim(room(2, true)), ["cancelled", "soon"]);
        assert_eq!(claim(room(0, true)), Vec::<String>::new());
        assert_eq!(claim(room(9, true)), ["middle", "late"]);
        assert_eq!(claim(room(9, true)), Vec::<String>::new(), "each is handed out once");
    }

    what_needs_zoom_is_left_alone_while_it_cannot_be_called(database) {
        let mut conn = database.conn();
        let now = UtcMillis::from(at(0));
        due::set(&mut conn, DueKind::Sync, "meeting", now).unwrap();
        due::set(&mut conn, DueKind::Report, "instance", now).unwrap();
        assert!(!due::any(&mut conn, ShardSet::ALL, now, room(9, false)).unwrap());
        due::set(&mut conn, DueKind::Score, "booking", now).unwrap();
        assert!(due::any(&mut conn, ShardSet::ALL, now, room(9, false)).unwrap());
        let claimed = due::claim(&mut conn, ShardSet::ALL, now, UtcMillis::from(at(1)), room(9, false)).unwrap();
        assert_eq!(claimed.iter().map(|row| row.kind).collect::<Vec<_>>(), [DueKind::Score]);
        let claimed = due::claim(&mut conn, ShardSet::ALL, now, UtcMillis::from(at(1)), room(9, true)).unwrap();
        assert_eq!(claimed.len(), 2);
    }

    reservations_of_a_day_add_up_and_old_days_are_forgotten(database) {
        let mut conn = database.conn();
        let day = |number| NaiveDate::from_ymd_opt(2026, 3, number).unwrap();
        let mut reserve = |number, count| {
            rate_budget::reserve(&mut conn, "host", "h", day(number), count).unwrap()
        };
        assert_eq!((reserve(1, 5), reserve(1, 5), reserve(2, 5)), (5, 10, 5));
        rate_budget::raise(&mut conn, "host", "h", day(2), 100).unwrap();
        rate_budget::raise(&mut conn, "host", "h", day(2), 50).unwrap();
        rate_budget::forget_before(&mut conn, day(2)).unwrap();
        let mut reserve = |number, count| {
            rate_budget::reserve(&mut conn, "host", "h", day(number), count).unwrap()
        };
        assert_eq!((reserve(1, 1), reserve(2, 1)), (1, 101));
    }

    a_loss_of_the_credentials_is_news_once_whoever_finds_it(database) {
        let mut conn = database.conn();
        assert_eq!(zoom_connection::note(&mut conn, None, at(0)).unwrap(), (at(0), false));
        let refused = Some("credentials_refused");
        assert_eq!(zoom_connection::note(&mut conn, refused, at(1)).unwrap(), (at(1), true));
        assert_eq!(zoom_connection::note(&mut conn, refused, at(2)).unwrap(), (at(1), false), "another process");
        assert_eq!(zoom_connection::note(&mut conn, None, at(3)).unwrap(), (at(3), true));
        let row = zoom_connection::find(&mut conn).unwrap().unwrap();
        assert_eq!((row.since, row.reason), (UtcMillis::from(at(3)), None));
    }
}
