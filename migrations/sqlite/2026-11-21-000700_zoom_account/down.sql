DROP TABLE oauth_states;
DROP TABLE oauth_connections;
DROP TABLE recordings;
DROP TABLE licence_leases;
DROP TABLE zoom_users;
