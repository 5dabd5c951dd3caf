// A mapper with an optimistic lock of its own writes the same table, in the column `version`. Its statements are those that
// Sequelize 6.37 and TypeORM 0.3 log. Invariant: both write, and neither loses what the other has written.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import pg from 'pg'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 5 } })
const mapper = new pg.Pool({ connectionString: url, max: 3 })
atEnd(() => mapper.end())
atEnd(() => knex.destroy())
await knex.raw(`create table posts (id serial primary key, title varchar(255), body text,
  version int not null default 1, updated_at timestamptz)`)
await trackTable(knex, 'posts')
const records = createRecordServer({
  log: null,
  knex,
  types: [
    defineRecordType('post', {
      table: 'posts',
      fields: { title: z.string().nullable(), body: z.string().nullable() },
    }),
  ],
  authenticate: () => null,
})
atEnd(() => records.stop())

interface Post {
  id: number
  title: string
  version: number
}

/** `version: true`, and the attribute `version` declared with `defaultValue: 1`. */
const sequelize = {
  create: async (title: string): Promise<Post> => {
    const { rows } = await mapper.query(
      'INSERT INTO "posts" ("id","title","version","updated_at") VALUES (DEFAULT,$1,$2,$3) RETURNING "id","title","body","version","updated_at"',
      [title, 1, new Date().toISOString()],
    )
    return { ...rows[0], version: 1 }
  },
  find: async (id: number): Promise<Post> =>
    (
      await mapper.query(
        `SELECT "id", "title", "body", "version", "updated_at" FROM "posts" AS "Post" WHERE "Post"."id" = ${id}`,
      )
    ).rows[0],
  /** Answers whether it passed; where not, Sequelize throws its OptimisticLockError. */
  update: async (post: Post, title: string): Promise<boolean> => {
    const { rowCount } = await mapper.query(
      'UPDATE "posts" SET "title"=$1,"updated_at"=$2,"version"=$3 WHERE "id" = $4 AND "version" = $5',
      [title, new Date().toISOString(), post.version + 1, post.id, post.version],
    )
    if (rowCount === 1) Object.assign(post, { title, version: post.version + 1 })
    return rowCount === 1
  },
}

/** With `lock: { mode: 'pessimistic_write' }`; without a lock TypeORM writes over whatever is there. */
const typeorm = async (id: number, change: (title: string) => string): Promise<void> => {
  const client = await mapper.connect()
  try {
    await client.query('START TRANSACTION')
    const { rows } = await client.query(
      'SELECT "Post"."id" AS "Post_id", "Post"."title" AS "Post_title", "Post"."version" AS "Post_version" FROM "posts" "Post" WHERE (("Post"."id" = $1)) FOR UPDATE',
      [id],
    )
    const { rows: written } = await client.query(
      'UPDATE "posts" SET "title" = $1, "version" = "version" + 1, "updated_at" = CURRENT_TIMESTAMP WHERE "id" IN ($2) RETURNING "version", "updated_at"',
      [change(rows[0].Post_title), id],
    )
    expect(written[0].version).toBe(rows[0].Post_version + 1)
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}

const actor = { id: 'a', name: 'Ann', tenantId: 't' }
const save = (id: number, clientVersion: number, title: string) =>
  records.save('post', String(id), { actor, clientVersion, changes: { title } })

test('of two saves on one version one passes, in either order', async () => {
  const post = await sequelize.create('a')
  const other = await sequelize.find(post.id)
  expect(await sequelize.update(post, 'b')).toBe(true)
  expect(await save(post.id, 1, 'c')).toMatchObject({
    outcome: 'conflict',
    problem: { changed_fields: ['title'] },
  })
  expect(await save(post.id, 2, 'c')).toMatchObject({ outcome: 'saved', record: { version: 3 } })
  expect(await sequelize.update(other, 'd')).toBe(false)
  expect(await sequelize.update(post, 'd')).toBe(false)
  expect(await sequelize.update(await sequelize.find(post.id), 'd')).toBe(true)
})

test("a touch makes the mapper's version, and its next save passes", async () => {
  const post = await sequelize.create('same')
  expect(await sequelize.update(post, 'same')).toBe(true)
  expect(await sequelize.update(post, 'new')).toBe(true)
  expect(await save(post.id, 3, 'ours')).toMatchObject({ outcome: 'saved', record: { version: 4 } })
  const { rows } = await knex.raw(
    `select version::int, changed_fields as fields from noclobber.changes where record_id = ? order by version`,
    [String(post.id)],
  )
  expect(rows).toEqual([
    { version: 1, fields: [] },
    { version: 2, fields: [] },
    { version: 3, fields: ['title'] },
    { version: 4, fields: ['title'] },
  ])
})

test('three writers who each add their marks at once lose none', async () => {
  const { id } = await sequelize.create('')
  const marks = (name: string) => Array.from({ length: 12 }, (_, at) => `${name}${at} `)
  const bySequelize = async () => {
    for (const mark of marks('s')) {
      for (;;) {
        const post = await sequelize.find(id)
        if (await sequelize.update(post, post.title + mark)) break
      }
    }
  }
  const byTypeorm = async () => {
    for (const mark of marks('t')) await typeorm(id, (title) => title + mark)
  }
  const byUs = async () => {
    for (const mark of marks('u')) {
      let found = await sequelize.find(id)
      for (;;) {
        const { outcome } = await save(id, found.version, found.title + mark)
        if (outcome === 'saved') break
        found = await sequelize.find(id)
      }
    }
  }
  await Promise.all([bySequelize(), byTypeorm(), byUs()])
  const { title, version } = await sequelize.find(id)
  expect(title.trim().split(' ').sort()).toEqual(
    ['s', 't', 'u'].flatMap((name) => marks(name).map((mark) => mark.trim())).sort(),
  )
  expect(version).toBe(37)
})
