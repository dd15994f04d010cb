-- How many people were seen in a meeting, hosts aside: counted at each scoring (`domain::seen`), so that reports add
-- numbers up and read no row of anybody's presence.
ALTER TABLE zoom_meetings ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
-- Of what was scored before; a name is taken for one person here.
UPDATE zoom_meetings SET seen = (
    SELECT COUNT(DISTINCT COALESCE(p.person_ref, '?' || LOWER(p.name))) FROM zoom_participants p
    WHERE p.meeting_id = zoom_meetings.id AND p.room <> 'waiting'
    AND (p.source = 'hand'
        OR (p.source = 'report' AND p.instance_uuid IN (
            SELECT c.instance_uuid FROM meeting_reports c
            WHERE c.meeting_id = zoom_meetings.id AND c.state = 'complete'))
        OR (p.source = 'webhook' AND p.instance_uuid NOT IN (
            SELECT c.instance_uuid FROM meeting_reports c
            JOIN zoom_participants q ON q.instance_uuid = c.instance_uuid AND q.source = 'report'
            WHERE c.meeting_id = zoom_meetings.id AND c.state = 'complete')))
    AND (p.person_ref IS NULL OR p.person_ref NOT IN (
        SELECT o.person_ref FROM attendance_records o
        WHERE o.appointment_id = zoom_meetings.appointment_id AND o.role = 'host')))
WHERE appointment_id IN (SELECT appointment_id FROM attendance_pins);

-- All that counters read of marks, beside their evidence, which is a hundred times as much.
CREATE INDEX attendance_records_counted ON attendance_records
    (appointment_id, role, person_ref, corrected_status, status, held_against, attended_seconds);
