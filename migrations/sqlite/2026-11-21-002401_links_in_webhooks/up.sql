-- Personal links that webhooks of registrations brought: they stand sealed with the registrations, and nowhere else.
UPDATE webhook_events
SET body = CASE WHEN json_valid(body) THEN json_replace(body, '$.payload.object.registrant.join_url', '') ELSE body END
WHERE event LIKE 'meeting.registration%' AND body LIKE '%join_url%';
