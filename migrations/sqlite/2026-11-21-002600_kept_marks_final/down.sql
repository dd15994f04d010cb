-- What was put right stays so.
SELECT 1;
