DROP TABLE notifications;
DROP TABLE rate_budgets;
DROP TABLE due_work;
