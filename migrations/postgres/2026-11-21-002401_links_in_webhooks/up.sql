-- Personal links that webhooks of registrations brought: they stand sealed with the registrations, and nowhere else.
UPDATE webhook_events
SET body = regexp_replace(body, '"join_url"\s*:\s*"[^"]*"', '"join_url":""', 'g')
WHERE event LIKE 'meeting.registration%' AND body LIKE '%join_url%';
