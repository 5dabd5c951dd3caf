-- Sets how PostgreSQL plans while a statement of many rows is logged, and answers the settings of before. The two sides are
-- hashed, in memory: sorting them, the planner's choice, is a third more work. Compiling the statement takes longer than
-- running it.
create function noclobber.plan_by(wanted text[]) returns text[] language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  before text[] := array[current_setting('jit'), current_setting('enable_mergejoin'), current_setting('enable_sort'),
    current_setting('work_mem')];
begin
  perform set_config('jit', wanted[1], true), set_config('enable_mergejoin', wanted[2], true),
    set_config('enable_sort', wanted[3], true), set_config('work_mem', wanted[4], true);
  return before;
end $$;
