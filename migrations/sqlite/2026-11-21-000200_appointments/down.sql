DROP TABLE idempotency_keys;
DROP TABLE story;
DROP TABLE appointment_attendees;
DROP TABLE appointments;
