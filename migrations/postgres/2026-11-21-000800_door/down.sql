DROP TABLE zoom_connection;
DROP INDEX due_work_rank;
ALTER TABLE due_work DROP COLUMN rank_at;
