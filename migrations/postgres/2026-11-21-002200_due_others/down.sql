DROP INDEX due_work_others;
