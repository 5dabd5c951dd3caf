-- Versions and histories. A failover, a restore or a crash may lose versions that somebody still holds.
-- Invariant: no version is given twice to different content. Each history begins with a floor above all versions that an
-- earlier or a parallel one can have given, because it counts milliseconds since the installation, and nobody changes one
-- record a thousand times a second for years. (A version of type integer counts quarters of a second.) The history that
-- `migrate` begins has floor 0.
--
-- A session asks for the floors once: to the planner they are constants. A new history ends all sessions, or is announced.
create function noclobber.versioned_relations() returns oid[] language plpgsql immutable
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (select array_agg(r.relation order by r.relation) from (
    select f.relation from noclobber.version_floors f where f.relation <> 0 and :valid_floor group by f.relation) r);
end $$;

create function noclobber.version_floors() returns bigint[] language plpgsql immutable
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (select array_agg(r.floor order by r.relation) from (
    select f.relation, max(f.floor) as floor from noclobber.version_floors f
    where f.relation <> 0 and :valid_floor group by f.relation) r);
end $$;

-- The floor, in milliseconds, of a history that begins now. Where the clock is behind the last history's, or that one has
-- hardly begun, it is somewhere above that one's: another history of the same past shall not meet it.
create function noclobber.history_ms(apart float8 default 1000000) returns bigint language sql volatile set search_path = pg_catalog, pg_temp as $$
  select greatest(1, case when e.ms < l.ms + 1000 then l.ms + 60000 + random() * apart else e.ms end)::bigint
  from noclobber.version_base b, lateral (select extract(epoch from now() - b.installed_at) * 1000 as ms) e,
    lateral (select greatest(b.floor_ms, max(n.ms)) as ms from noclobber.noted_floors n) l
$$;

-- What others see of this transaction, no crash takes back, whatever its synchronous_commit: versions go on from a floor that others see.
create function noclobber.commit_durably() returns void language sql volatile set search_path = pg_catalog, pg_temp as $$
  select set_config('synchronous_commit', 'local', true) where current_setting('synchronous_commit') = 'off'
$$;

-- Whether a tracked relation's versions are of type integer; their column is named by the triggers' arguments, see log-change.sql.
create function noclobber.has_integer_versions(relation oid) returns boolean language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select coalesce((select (convert_from(decode(split_part(encode(g.tgargs, 'escape'), E'\\000', 6), 'escape'), getdatabaseencoding())::text[])[4]
      = 'integer' from pg_trigger g where g.tgrelid = relation and g.tgname = 'zz_noclobber_stamp'), false)
$$;

-- The floor of a relation, by the type of its versions, in a history of that floor.
create function noclobber.relation_floor(has_integers boolean, ms bigint) returns bigint language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select case when ms = 0 then 0 when has_integers then least(b.integers + 1000 + ms / 250, 2146435072)
    else b.bigints + 10000 + ms end
  from noclobber.version_base b
$$;

-- Adds floors of this history. (In one subtransaction, so that the rows know it.)
create function noclobber.add_floors(relations oid[], floors bigint[], history uuid) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  insert into noclobber.version_floors (relation, floor, history, database, epoch, log)
  select r.relation, r.floor, add_floors.history, (select d.oid from pg_database d where d.datname = current_database()),
    (select e.epoch from noclobber.log_epoch e), 'noclobber.record_changes'::regclass
  from unnest(relations, floors) r(relation, floor);
  update noclobber.version_floors f set made_in = f.xmin where f.made_in is null;
end $$;

-- The tracked relations, partitions among them.
create function noclobber.tracked_relations() returns oid[] language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(g.tgrelid), '{}') from pg_trigger g where g.tgname = 'zz_noclobber_stamp'
$$;

-- The floor of a relation whose floor the session doesn't know. Where no history has begun since the last may have ended,
-- time is the floor, and it is noted, for this history may end before somebody asks for its epoch. A relation that only this
-- history doesn't know was restored alone: the history ends with it.
create function noclobber.uncertain_floor(relation oid) returns bigint language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  root oid := pg_partition_root(relation);
  has_begun boolean;
  known bigint;
  made bigint;
  ms bigint;
begin
  select bool_or(f.history is not null),
      max(f.floor) filter (where f.relation = uncertain_floor.relation), max(f.floor) filter (where f.relation = root)
    into has_begun, made, known
    from noclobber.version_floors f where :valid_floor;
  if made is not null then
    return made;
  end if;
  made := known;
  if known is null then
    ms := noclobber.history_ms(case when has_begun is false then 0 else 1000000 end);
    insert into noclobber.noted_floors values (ms);
    made := noclobber.relation_floor(noclobber.has_integer_versions(relation), ms);
  end if;
  perform noclobber.commit_durably();
  perform noclobber.add_floors(array[relation], array[made], null);
  if has_begun and known is null then
    perform noclobber.add_floors(array[0], array[0], null);
  end if;
  return made;
end $$;

-- The version after this one of a record in this relation. It is inlined into the expressions that call it.
create function noclobber.next_version(version bigint, relation oid) returns bigint language sql volatile as $$
  select greatest(version operator(pg_catalog.+) 1, coalesce(
    (noclobber.version_floors())[pg_catalog.array_position(noclobber.versioned_relations(), relation)],
    noclobber.uncertain_floor(relation)))
$$;

-- Makes every session ask for the floors anew, and notes them for the next history: also those of writes that were under way
-- when this one began. The caller holds the lock on version_base.
create function noclobber.announce_floors() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update noclobber.version_base b set floor_ms = greatest(b.floor_ms, (
    select max(case when f.relation = 0 or f.floor = 0 then f.floor
      when noclobber.has_integer_versions(f.relation) then (f.floor - b.integers - 999) * 250 else f.floor - b.bigints - 10000 end)
    from noclobber.version_floors f
    where :valid_floor), (select max(n.ms) from noclobber.noted_floors n));
  delete from noclobber.noted_floors;
  perform noclobber.commit_durably();
  update noclobber.version_floors f set announced = true, made_in = null where not f.announced and :valid_floor;
  update noclobber.version_floors f set made_in = f.xmin where f.made_in is null;
  alter function noclobber.next_version(bigint, oid) volatile;
end $$;

-- Begins a history; with `raise` versions go on above its floor, where no stamp has made one already. Nothing has gone back
-- where no table is tracked and nothing was ever logged.
create function noclobber.begin_history(raise boolean) returns void language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  relations oid[] := noclobber.tracked_relations();
  ms bigint;
begin
  lock table noclobber.version_base in share row exclusive mode;
  ms := case when relations <> '{}' or exists (select from noclobber.record_changes) or exists (select from noclobber.change_batches)
    then noclobber.history_ms() else 0 end;
  delete from noclobber.version_floors f where f.relation = 0 or not (:valid_floor);
  if raise then
    relations := array(select r.relation from unnest(relations) r(relation)
      where not exists (select from noclobber.version_floors f where f.relation = r.relation));
    perform noclobber.add_floors(relations, array(select noclobber.relation_floor(noclobber.has_integer_versions(r.relation), ms)
      from unnest(relations) with ordinality r(relation, at) order by r.at), null);
  end if;
  perform noclobber.add_floors(array[0], array[ms], gen_random_uuid());
  perform noclobber.announce_floors();
end $$;

-- A relation that is tracked from now on. One that the log knows by its name, and this history not, was restored, or is
-- tracked again: its versions go on above a floor of its own. So do those of `unseen`: itself or partitions of it that were
-- written, perhaps, while no trigger of ours was there. Answers these, none where no version of them was ever given.
create function noclobber.know_relation(root regclass, highest bigint, has_integers boolean, unseen oid[]) returns oid[] language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  source text := (select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = root);
  relations oid[] := array(select t.relid from pg_partition_tree(root) t union select root);
  is_logged boolean := exists (select from noclobber.changes c where c.table_name = source);
  ms bigint;
begin
  lock table noclobber.version_base in share row exclusive mode;
  update noclobber.version_base b set bigints = greatest(b.bigints, highest)
    where not has_integers and highest > 1000000;
  update noclobber.version_base b set integers = greatest(b.integers, highest)
    where has_integers and highest > 1000000;
  if not is_logged and not exists (select from noclobber.version_floors f where f.relation = any(unseen) and :valid_floor) then
    unseen := '{}';
  end if;
  if exists (select from noclobber.version_floors f where f.relation = root and :valid_floor) then
    relations := unseen;
    if unseen = '{}' then
      return unseen;
    end if;
  end if;
  if not exists (select from noclobber.version_floors f where f.history is not null and :valid_floor) then
    perform noclobber.begin_history(true);
  end if;
  if is_logged or unseen <> '{}' then
    ms := noclobber.history_ms();
    update noclobber.version_base b set floor_ms = greatest(b.floor_ms, ms);
  else
    select f.floor into ms from noclobber.version_floors f where f.history is not null and :valid_floor;
  end if;
  delete from noclobber.version_floors f where f.relation = any(relations);
  perform noclobber.add_floors(relations, array(select noclobber.relation_floor(has_integers, ms)
    from unnest(relations) with ordinality r(relation, at) order by r.at), null);
  perform noclobber.announce_floors();
  return unseen;
end $$;

-- Brings the history up to date where its epoch is asked for: begins it, ends it, or announces what was added.
create function noclobber.settle_history() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  begun bigint;
  ended bigint;
begin
  lock table noclobber.version_base in share row exclusive mode;
  select count(f.history), count(*) - count(f.history) into begun, ended
    from noclobber.version_floors f where f.relation = 0 and :valid_floor;
  if begun <> 1 or ended > 0 then
    perform noclobber.begin_history(begun = 0);
  else
    perform noclobber.announce_floors();
  end if;
end $$;

-- After a write of log_epoch by hand, which ends a history: no session may go on by the floors that it knows.
create function noclobber.end_history() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  lock table noclobber.version_base in share row exclusive mode;
  perform noclobber.announce_floors();
  return null;
end $$;

create trigger end_history after insert or update or delete on noclobber.log_epoch for each statement execute function noclobber.end_history();
alter table noclobber.log_epoch enable always trigger end_history;
