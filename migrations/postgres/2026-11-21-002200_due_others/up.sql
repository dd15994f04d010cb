-- What is due beside meetings, found without walking past all the meetings that wait for Zoom.
CREATE INDEX due_work_others ON due_work (due_at, kind, key) WHERE kind <> 'sync';
