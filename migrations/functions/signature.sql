-- The key that nodes sign their setting with, see writer-setting.ts. To the planner it is a constant, so it is read once a
-- session. Only the triggers' functions may ask for it. Every role may have its session print the plans that are made
-- (debug_print_plan), constants included; they are printed after this was called, so it turns that off for the transaction.
-- Invariant: it is called in expressions of PL/pgSQL alone (IF, RETURN, :=), never in a statement. PL/pgSQL evaluates an expression past
-- PostgreSQL's executor, so what prints the plans of statements that run (auto_explain and the like) never sees the constant.
create function noclobber.node_key() returns text language plpgsql immutable
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('debug_print_plan')::boolean then
    perform set_config('debug_print_plan', 'off', true);
  end if;
  return (select encode(k.secret, 'hex') from noclobber.cursor_key k);
end $$;

-- Whether a node signed the writer in these lines, and where the change comes from. Both are inlined into the expressions that
-- call them, whatever their search path: each name in them is qualified. The key stands before what is signed: what is made
-- longer by MD5's padding is no text, because it has zero bytes.
create function noclobber.is_signed(lines text[]) returns boolean language sql stable as $$
  select lines[:line_writer_signature] operator(pg_catalog.=)
    pg_catalog.md5(noclobber.node_key() operator(pg_catalog.||) lines[:line_writer])
$$;

create function noclobber.is_ours(lines text[]) returns boolean language sql stable as $$
  select lines[:line_signature] operator(pg_catalog.=) pg_catalog.md5(pg_catalog.concat(noclobber.node_key(),
    lines[:line_record], E'\n', lines[:line_tab_id], E'\n', lines[:line_socket_id], E'\n' operator(pg_catalog.||) lines[:line_import_id]))
$$;
