DROP TABLE disabled_endpoints;
DROP INDEX notifications_dead;
DROP INDEX notifications_endpoint;
DROP TABLE outbox;
