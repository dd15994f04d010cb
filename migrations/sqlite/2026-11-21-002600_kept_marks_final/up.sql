-- Marks that a correction kept after their person left the roster are as final as the others of the booking.
UPDATE attendance_records SET provisional = FALSE
WHERE provisional AND corrected_at IS NOT NULL AND EXISTS (
    SELECT 1 FROM attendance_records other
    WHERE other.appointment_id = attendance_records.appointment_id AND NOT other.provisional
);
