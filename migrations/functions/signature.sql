-- The key that nodes sign their setting with, see writer-setting.ts. To the planner it is a constant, so it is read once a
-- session. Only the triggers' functions may ask for it.
create function noclobber.node_key() returns text language plpgsql immutable
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (select encode(k.secret, 'hex') from noclobber.cursor_key k);
end $$;

-- Whether a node signed these lines. It is inlined into the expressions that call it, whatever their search path: each
-- name in it is qualified. The key stands on both sides, so that no signature can be extended.
create function noclobber.is_signed(lines text[]) returns boolean language sql stable as $$
  select coalesce(lines[:line_signature] operator(pg_catalog.=) pg_catalog.md5(noclobber.node_key() operator(pg_catalog.||)
    pg_catalog.array_to_string(lines[:line_writer : :line_version], E'\n', '')
    operator(pg_catalog.||) noclobber.node_key()), false)
$$;
