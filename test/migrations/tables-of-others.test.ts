// Tables as others have them: whatever a table is made of, and whatever is done with it, what is written is logged, or the table is refused
// with a sentence. After each statement the whole table is held against its log.
import createKnex, { type Knex } from 'knex'
import { trackTable, untrackTable } from 'noclobber/migrations'
import { doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { ofInterest } from '../support/findings.ts'
import { brokenBy, rowsOf } from '../support/log-oracle.ts'
import { freshDatabase } from '../support/postgres.ts'
import { oneIn } from '../support/short-run.ts'

type Tracking = Parameters<typeof trackTable>[2]

interface Shape {
  /** Makes the table `t` with a key `id`, whatever it needs, and rows. */
  make: string
  track?: Tracking
  /** Beside those that every table takes. */
  also?: string[]
  /** Not within one transaction. */
  apart?: boolean
  /** The first PostgreSQL that has it. */
  since?: number
  /** Instead of `update t set a = …`, where it has no column a. */
  set?: string
}

const MANY = `insert into t (id, a) select n, 'v' || n from generate_series(1, 60) n`

const SHAPES: Record<string, Shape> = {
  'a virtual generated column': {
    since: 180_000,
    make: `create table t (id int primary key, a text, b int default 1, double int generated always as (b * 2),
      loud text generated always as (upper(coalesce(a, '?')))); ${MANY}`,
    track: { lists: ['double'] },
    also: [
      'update t set b = 2 where id = 1',
      'update t set b = b + 1',
      'update t set b = 7, a = null where id < 5',
    ],
  },
  'a stored generated column': {
    make: `create table t (id int primary key, a text, b int default 1, double int generated always as (b * 2) stored,
      loud text generated always as (upper(a)) stored); ${MANY}`,
    track: { lists: ['double'] },
    also: [
      'update t set b = 2 where id = 1',
      'update t set b = b + 1',
      'update t set b = 7, a = null where id < 5',
    ],
  },
  'an identity that is always generated': {
    make: `create table t (id bigint generated always as identity primary key, a text); insert into t (a) select 'v' || n from generate_series(1, 60) n`,
    also: [
      `insert into t (a) values ('next')`,
      `insert into t overriding system value values (500, 'given')`,
      `update t set id = default where id = 1`,
    ],
  },
  'keys that come by a foreign key, over three tables': {
    make: `create table p (id int primary key); create table q (id int primary key references p on update cascade on delete cascade);
      create table t (id int primary key references q on update cascade on delete cascade, a text);
      insert into p select generate_series(1, 60); insert into q select id from p; ${MANY}`,
    also: [
      'update p set id = 900 where id = 1',
      'update p set id = id + 2000',
      'delete from p where id > 2050',
    ],
  },
  'columns that a foreign key sets': {
    make: `create table p (id int primary key); insert into p values (0), (1), (2);
      create table t (id int primary key, a text, p int default 0 references p on delete set default, q int references p on delete set null); ${MANY};
      update t set p = 1 where id < 40; update t set q = 2 where id > 30`,
    also: ['delete from p where id = 1', 'delete from p where id = 2'],
  },
  'a table that refers to itself, deferred': {
    make: `create table t (id int primary key, a text, up int references t on update cascade on delete cascade deferrable initially deferred); ${MANY};
      update t set up = id / 2 where id > 1`,
    also: [
      `insert into t (id, a, up) values (901, 'child', 900), (900, 'parent', 1)`,
      'update t set id = 3000 where id = 2',
      'delete from t where id = 3',
    ],
  },
  'a constraint trigger that writes at the commit': {
    make: `create table t (id int primary key, a text, n int default 0); create function recount() returns trigger language plpgsql as $$ begin
        update t set n = n + 1 where id = new.id; return null; end $$;
      create constraint trigger recount after insert or update of a on t deferrable initially deferred for each row execute function recount(); ${MANY}`,
  },
  'large objects, by the extension lo': {
    make: `create extension lo; create table t (id int primary key, a text, o lo); create trigger o before update or delete on t for each row execute function lo_manage(o);
      ${MANY}; update t set o = lo_from_bytea(0, '\\x61') where id < 5`,
    also: [
      `update t set o = lo_from_bytea(0, '\\x62') where id = 1`,
      'update t set o = null',
      'delete from t where id = 2',
    ],
  },
  'a time that the extension moddatetime sets': {
    make: `create extension moddatetime; create table t (id int primary key, a text, modified timestamptz default now());
      create trigger m before update on t for each row execute function moddatetime(modified); ${MANY}`,
  },
  'an announcement by the extension tcn': {
    make: `create extension tcn; create table t (id int primary key, a text);
      create trigger n after insert or update or delete on t for each row execute function triggered_change_notification(); ${MANY}`,
  },
  'values of 20 kB, stored apart and compressed anew': {
    make: `create table t (id int primary key, a text, big text, doc jsonb); alter table t alter big set storage external;
      insert into t select n, 'v', repeat(md5(n::text), 600), jsonb_build_object('a', repeat(md5(n::text), 600)) from generate_series(1, 25) n`,
    also: [
      `update t set a = 'small' where id = 1`,
      `alter table t alter big set storage extended; alter table t alter doc set compression pglz; update t set big = big || '' where id = 2`,
      `update t set big = big || '' where id < 9`,
      `update t set big = big || ''`,
      `update t set doc = doc || '{"b": 1}'`,
    ],
  },
  'composites, and arrays of them, altered since': {
    make: `create type part as (n int, label text); create table t (id int primary key, a text, p part, ps part[]); ${MANY};
      update t set p = (1, 'x'), ps = array[(1, 'x'), (2, null)]::part[]`,
    also: [
      `alter type part add attribute extra int`,
      `update t set p.label = 'y' where id = 1`,
      `update t set ps = ps || p where id < 9`,
      `update t set p.extra = 7`,
    ],
  },
  'domains with checks, required ones and arrays of them': {
    make: `create domain code as text check (value ~ '^[a-z]'); create domain codes as code[] not null default '{}'; create domain amount as numeric(9,2) not null default 0;
      create table t (id int primary key, a code, cs codes, n amount); ${MANY}`,
    also: [
      `update t set cs = '{x,y}' where id = 1`,
      'update t set n = n + 0.001',
      `alter domain code add check (length(value) < 9) not valid`,
      `update t set cs = cs || 'z'::code`,
    ],
  },
  'an enum that grows': {
    make: `create type mood as enum ('sad', 'ok'); create table t (id int primary key, a text, m mood, ms mood[] default '{}'); ${MANY}`,
    track: { lists: ['m'] },
    apart: true,
    also: [
      `update t set m = 'ok'`,
      `alter type mood add value 'glad' before 'ok'`,
      `update t set m = 'glad' where id = 1`,
      `update t set m = 'glad', ms = '{glad}'`,
      `alter type mood rename value 'sad' to 'blue'`,
      `update t set m = 'blue' where id < 5`,
    ],
  },
  'an exclusion constraint': {
    make: `create extension btree_gist; create table t (id int primary key, a text, room int default 1, at int4range, exclude using gist (room with =, at with &&)); ${MANY};
      update t set at = int4range(id, id + 1)`,
    also: ['update t set room = 2 where id = 1', `update t set at = int4range(id + 1000, id + 1001)`],
  },
  'a key that a period excludes, and keys that are not enforced': {
    since: 180_000,
    make: `create extension btree_gist; create table p (id int primary key); create table t (id int primary key default 1, a text, at int4range default '[1,2)', p int,
      unique (id, at without overlaps), foreign key (p) references p not enforced, check (p > 5) not enforced); ${MANY}`,
    also: ['update t set p = 1', `insert into t (id, a) values (900, 'n')`],
  },
  'another tablespace': {
    since: 150_000,
    make: `create table t (id int primary key, a text); ${MANY}`,
    apart: true,
    also: [
      `set allow_in_place_tablespaces = on`,
      `create tablespace elsewhere_NAME location ''`,
      `alter table t set tablespace elsewhere_NAME`,
      `update t set a = 'there'`,
      `alter table t set tablespace pg_default`,
      `drop tablespace elsewhere_NAME`,
      `update t set a = 'back' where id = 1`,
    ],
  },
  'partitions with columns in another order': {
    make: `create table t (id int primary key, a text, b int default 0) partition by range (id); create table t_1 (junk int, b int default 0, id int not null, a text);
      alter table t_1 drop junk; alter table t attach partition t_1 for values from (0) to (30); create table t_2 partition of t for values from (30) to (61);
      create table t_rest partition of t default; ${MANY}`,
    also: [
      'update t set b = 1',
      'update t_1 set b = 2',
      `update t_2 set a = 'x' where id = 40`,
      'update t set id = id + 500 where id in (1, 2, 40)',
      'delete from t_rest',
      `insert into t_1 (id, a) values (7000, 'n') on conflict do nothing`.replace('7000', '1'),
    ],
  },
  'partitions by hash, and partitions of these': {
    make: `create table t (id int primary key, a text) partition by hash (id); create table t_0 partition of t for values with (modulus 2, remainder 0);
      create table t_1 partition of t for values with (modulus 2, remainder 1) partition by range (id); create table t_1a partition of t_1 for values from (0) to (31);
      create table t_1b partition of t_1 default; ${MANY}`,
    also: [
      `update t_1 set a = 'x'`,
      `update t_1a set a = 'y' where id < 9`,
      'update t set id = id + 1000',
      'truncate t_0',
    ],
  },
  'two hundred columns': {
    make: `create table t (id int primary key, a text, ${Array.from({ length: 200 }, (_, at) => `c${at} numeric default 0`).join(', ')}); ${MANY}`,
    also: [
      'update t set c199 = 1 where id = 1',
      'update t set c0 = 1, c59 = 2, c60 = 3, c61 = 4, c199 = 5',
      'alter table t drop c1',
      'update t set c2 = 9 where id < 9',
    ],
  },
  'policies that are forced': {
    make: `create table t (id int primary key, a text); alter table t enable row level security, force row level security;
      create policy all_of_it on t using (true) with check (true); ${MANY}`,
  },
  'no identity for replication, and a publication of inserts': {
    make: `create table t (id int primary key, a text); alter table t replica identity full; create publication p_NAME for table t with (publish = 'insert, update'); ${MANY}`,
  },
  'defaults that are volatile, and columns with them added': {
    make: `create sequence s; create table t (id int primary key, a text, n int default nextval('s'), u uuid default gen_random_uuid(), c timestamptz default clock_timestamp()); ${MANY}`,
    also: [
      'alter table t add r float8 default random()',
      'update t set n = default where id = 1',
      'update t set r = r + 1',
    ],
  },
  'columns whose type is altered': {
    make: `create table t (id int primary key, a text, n text default '1', f float4 default 0); ${MANY}`,
    also: [
      'alter table t alter n drop default, alter n type int using n::int',
      'update t set n = 2 where id = 1',
      'update t set n = n + 1',
      'alter table t alter f type numeric',
      'update t set f = 1.50',
    ],
  },
  'rows from COPY, frozen': {
    make: `create table t (id int primary key, a text); ${MANY}`,
    also: [
      `copy t (id, a) from program 'printf "901\\tx\\n902\\ty\\n"'`,
      `truncate t; copy t (id, a) from program 'seq 1 90 | sed "s/$/\\tc/"' with (freeze)`,
      `update t set a = 'after'`,
    ],
  },
  'a procedure that commits between its writes': {
    make: `create table t (id int primary key, a text); create procedure work() language plpgsql as $$ begin
        for i in 1..5 loop update t set a = 'c' || i where id = i; commit; update t set a = a || '!' where id <= i; if i = 4 then rollback; else commit; end if; end loop; end $$; ${MANY}`,
    apart: true,
    also: ['call work()'],
  },
  'a loop that writes in two hundred subtransactions': {
    make: `create table t (id int primary key, a text); ${MANY}`,
    also: [
      `do $$ begin for i in 1..200 loop begin update t set a = 's' || i where id = 1 + i % 60; if i % 3 = 0 then raise exception 'no'; end if;
      exception when raise_exception then null; end; end loop; end $$`,
    ],
  },
  'a query whose function writes the table that it reads': {
    make: `create table t (id int primary key, a text); create function mark(one int) returns int language plpgsql as $$ begin update t set a = 'marked' || one where id = one; return one; end $$; ${MANY}`,
    also: ['select mark(id) from t', `update t set a = 'outer' || mark(id + 1) where id = 10`],
  },
  'a table in which foreign servers write': {
    make: `create extension postgres_fdw; create server here foreign data wrapper postgres_fdw options (dbname 'NAME', port 'PORT', host '127.0.0.1');
      create user mapping for current_user server here options (user 'USER', password 'PASSWORD'); create table t (id int primary key, a text); ${MANY};
      create foreign table far (id int, a text) server here options (table_name 't')`,
    apart: true,
    also: [
      `update far set a = 'far' where id = 1`,
      `update far set a = 'far'`,
      `insert into far values (900, 'n')`,
      'delete from far where id = 2',
    ],
  },
  'a name with dots, quotes and spaces': {
    make: `create table t (id int primary key, a text, "A ""b"".c %I $1 ?" text); ${MANY.replaceAll('?', '\\?')}`,
    also: [`update t set "A ""b"".c %I $1 ?" = 'x' where id = 1`, `update t set "A ""b"".c %I $1 ?" = 'y'`],
  },
  'rows that are updated to what they were by an upsert of all': {
    make: `create table t (id int primary key, a text, n numeric default 1.0); ${MANY}`,
    also: [
      `insert into t (id, a, n) select id, a, n from t on conflict (id) do update set a = excluded.a, n = excluded.n`,
      `insert into t (id, a, n) select id, a, n + 1 from t on conflict (id) do update set a = excluded.a, n = excluded.n`,
    ],
  },
  'a MERGE that returns what was and is': {
    since: 180_000,
    make: `create table t (id int primary key, a text); ${MANY}`,
    also: [
      `merge into t using (select g as id from generate_series(50, 70) g) s on t.id = s.id when matched and s.id % 2 = 0 then delete when matched then update set a = 'm'
         when not matched then insert values (s.id, 'n') when not matched by source and t.id < 5 then update set a = 'lost' returning merge_action(), old.a, new.a, t.version`,
      `update t set a = 'r' where id = 1 returning old.version, new.version, old.*, new.*`,
    ],
  },
}

/** What every table takes. */
const USUAL = [
  `update t set a = a where id = 1`,
  `update t set a = 'u1' where id = 1`,
  `update t set a = 'u' || id where id < 10`,
  `update t set a = 'w' || id`,
  `delete from t where id in (select id from t order by id desc limit 3)`,
]

const open = async (): Promise<{ knex: Knex; fill: (text: string) => string }> => {
  const { url, name } = await freshDatabase()
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => knex.destroy())
  const { port, username, password } = new URL(url)
  const filled: Record<string, string> = {
    NAME: name,
    PORT: port,
    USER: username,
    PASSWORD: decodeURIComponent(password),
  }
  return {
    knex,
    fill: (text) =>
      text
        .replace(/\b(?:NAME|PORT|USER|PASSWORD)\b|(?<=_)NAME\b/g, (word) => filled[word] ?? word)
        .replaceAll('?', '\\?'),
  }
}

test.each(oneIn(4, Object.entries(SHAPES)))('%s', { timeout: 60_000 }, async (_name, shape) => {
  const { knex, fill } = await open()
  const { rows } = await knex.raw(`select current_setting('server_version_num')::int as version`)
  if (rows[0].version < (shape.since ?? 0)) return
  await knex.raw(fill(shape.make))
  await trackTable(knex, 't', { history: 'values', ...shape.track })
  // A row from before has no change in the log until it is written.
  await knex.raw('update t set version = version + 1')
  for (const statement of [...USUAL, ...(shape.also ?? []), ...USUAL]) {
    const before = await rowsOf(knex)
    if (shape.apart) await knex.raw(fill(statement))
    else await knex.transaction(async (transaction) => transaction.raw(fill(statement)))
    // What a table's definition changes makes no versions.
    if (!/^alter\b/.test(statement)) expect(await brokenBy(knex, before), statement).toEqual([])
  }
  const { findings } = await doctor(knex, { rows: true })
  expect(ofInterest(findings)).toEqual([])
  // Each change has the values of its fields, and what is deleted is kept whole.
  const { rows: odd } = await knex.raw(
    `select c.record_id, c.version, c.event, c.changed_fields, c.changed_values from noclobber.record_changes c where c.table_name = 'public.t' and (
       c.event = 'updated' and array(select k from jsonb_object_keys(c.changed_values) k order by k) <> array(select f from unnest(c.changed_fields) f order by f)
       or c.event = 'deleted' and c.old_row is null)`,
  )
  expect(odd).toEqual([])
  await untrackTable(knex, 't')
})
