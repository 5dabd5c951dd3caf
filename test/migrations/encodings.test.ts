// A database whose encoding can't store everybody's names is refused with a sentence.
import createKnex from 'knex'
import { migrate } from 'noclobber/migrations'
import { expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const databaseIn = async (encoding: string) => {
  const { url, name } = await freshDatabase({ migrated: false })
  const other = `${name}_${encoding.toLowerCase()}`
  const owner = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => owner.destroy())
  await owner.raw(
    `create database ${other} encoding '${encoding}' locale_provider libc locale 'C' template template0`,
  )
  atEnd(() => owner.raw(`drop database ${other} with (force)`))
  const knex = createKnex({ client: 'pg', connection: url.replace(name, other), pool: { min: 0, max: 2 } })
  atEnd(() => knex.destroy())
  return knex
}

test.each(['LATIN1', 'WIN1252', 'EUC_JP'])(
  'a database in %s is refused, and nothing is made',
  async (encoding) => {
    const knex = await databaseIn(encoding)
    await expect(migrate(knex)).rejects.toThrow(
      `noclobber needs a database in UTF8; this one is in ${encoding}`,
    )
    const { rows } = await knex.raw(`select from pg_namespace where nspname = 'noclobber'`)
    expect(rows).toEqual([])
  },
)
