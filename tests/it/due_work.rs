//! Work that is due, on both databases.

use chrono::{DateTime, Duration, Utc};
use convened::store::UtcMillis;
use convened::store::due::{self, DueKind};

use crate::support::database::on_each_database;

fn minute(count: i64) -> UtcMillis {
    let noon: DateTime<Utc> = "2027-01-15T12:00:00Z".parse().unwrap();
    UtcMillis::from(noon + Duration::minutes(count))
}

on_each_database! {
    work_that_was_done_is_forgotten_and_work_that_came_meanwhile_is_not(database) {
        let conn = &mut database.conn();
        due::set(conn, DueKind::Score, "booking", minute(0)).unwrap();
        let seen = due::at(conn, DueKind::Score, "booking").unwrap();
        // While it is being scored, a report comes in.
        due::set(conn, DueKind::Score, "booking", minute(1)).unwrap();
        due::replace(conn, DueKind::Score, "booking", seen, None).unwrap();
        let still_due = due::at(conn, DueKind::Score, "booking").unwrap();
        assert_eq!(still_due, Some(minute(1)));
        due::replace(conn, DueKind::Score, "booking", still_due, Some(minute(5))).unwrap();
        assert_eq!(due::at(conn, DueKind::Score, "booking").unwrap(), Some(minute(5)));
        due::replace(conn, DueKind::Score, "booking", Some(minute(5)), None).unwrap();
        assert_eq!(due::at(conn, DueKind::Score, "booking").unwrap(), None);
    }

    work_that_came_where_none_was_seen_keeps_its_time(database) {
        let conn = &mut database.conn();
        due::set(conn, DueKind::Score, "booking", minute(1)).unwrap();
        due::replace(conn, DueKind::Score, "booking", None, None).unwrap();
        due::replace(conn, DueKind::Score, "booking", None, Some(minute(9))).unwrap();
        assert_eq!(due::at(conn, DueKind::Score, "booking").unwrap(), Some(minute(1)));
    }
}
