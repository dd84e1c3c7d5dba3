-- The login of the server and the workers: it owns nothing. Run by the owner after each `setpoint migrate`.
SELECT 'CREATE ROLE setpoint_daily LOGIN' WHERE to_regrole('setpoint_daily') IS NULL \gexec
ALTER ROLE setpoint_daily PASSWORD :'password';
GRANT setpoint_runtime TO setpoint_daily;
GRANT USAGE ON SCHEMA setpoint_jobs TO setpoint_daily;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA setpoint_jobs TO setpoint_daily;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA setpoint_jobs TO setpoint_daily;
