//! What a decision about licences rests on, and what is noted of the account; on both databases.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use convened::domain::licence::{Facts, Policy, Shortage};
use convened::store::{Conn, licence, zoom_user};

use crate::support::bookings::{now, zoom_says};
use crate::support::database::on_each_database;

fn facts(conn: &mut Conn) -> Facts {
    let hour = Duration::hours(1);
    let policy = Policy { seats: 5, margin: hour, keep: hour, look_ahead: hour };
    licence::facts(conn, &policy, &BTreeMap::new(), hour, DateTime::<Utc>::from(now())).unwrap()
}

on_each_database! {
    a_licence_asked_for_by_hand_is_none_to_give_while_the_user_is_not_active(database) {
        let conn = &mut database.conn();
        zoom_says(conn, "Z1", "reyes", 1);
        licence::ask(conn, "Z1", now()).unwrap();
        assert_eq!(facts(conn).needs.len(), 1);
        let user = zoom_user::by_key(conn, "Z1").unwrap().unwrap();
        let inactive = zoom_user::ZoomUserRow { status: "inactive".to_owned(), ..user };
        zoom_user::save(conn, &inactive).unwrap();
        assert_eq!(facts(conn).needs, []);
    }

    what_zoom_gave_at_most_stays_known_and_grows_with_what_it_gives(database) {
        let conn = &mut database.conn();
        licence::configure(conn, 5, 60).unwrap();
        zoom_says(conn, "Z1", "reyes", 2);
        licence::found(conn, Some((0, now()))).unwrap();
        assert_eq!(facts(conn).seats_found.map(|found| found.seats), Some(0), "believed no more, but known");
        licence::adopt(conn, "Z1", now()).unwrap();
        licence::given(conn).unwrap();
        assert_eq!(facts(conn).seats_found.map(|found| found.seats), Some(1));
        licence::found(conn, None).unwrap();
        licence::given(conn).unwrap();
        assert_eq!(facts(conn).seats_found, None);
    }

    a_shortage_is_news_once_until_it_is_over(database) {
        let conn = &mut database.conn();
        licence::configure(conn, 5, 60).unwrap();
        let short = |short_by| Some(Shortage { from: now().into(), short_by });
        let mut note = |shortage| licence::note_shortage(conn, shortage, now()).unwrap();
        assert_eq!([note(None), note(short(1)), note(short(1)), note(short(2))], [false, true, false, false]);
        assert_eq!([note(None), note(short(1))], [false, true]);
    }
}
