DROP TABLE zoom_tokens;
DROP TABLE shards;
UPDATE due_work SET shard = 0;
UPDATE zoom_meetings SET shard = 0;
