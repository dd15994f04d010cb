DROP TABLE group_members;
DROP TABLE groups;
DROP TABLE people;
