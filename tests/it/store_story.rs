//! The story of a booking, on both databases.

use convened::store::story;

use crate::support::bookings::{book, now, policy, row};
use crate::support::database::on_each_database;

on_each_database! {
    of_a_long_story_the_end_is_read(database) {
        let conn = &mut database.conn();
        book(conn, row("a", 0, None, "allow"), &policy(&[]));
        for number in 1..=5 {
            story::tell(conn, "a", now().into(), "note", &number.to_string(), None).unwrap();
        }
        let lines = story::of_appointment(conn, "a", 3).unwrap();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["3", "4", "5"]);
    }
}
