// The pages of docs/design-systems.md, grids.md and admin.md in a real browser, with the real libraries: what is typed and chosen is
// saved, what others save is shown, and a refusal stands at its input.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import express from 'express'
import { trackTable } from 'noclobber/migrations'
import { defineRecordType } from 'noclobber/server'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startApp, type TestApp } from '../support/app.ts'
import { buildPage } from '../support/built-page.ts'
import { launchBrowser } from '../support/chromium.ts'
import { writeGuide } from '../support/guide.ts'
import { waitFor } from '../support/wait-for.ts'

const LIBRARIES = ['mui', 'radix', 'ant'] as const
type Library = (typeof LIBRARIES)[number]

const pageOf = (library: Library) => `
import { createRecordClient } from 'noclobber/client'
import { LiveProvider } from 'noclobber/react'
import { createRoot } from 'react-dom/client'
import { OrderForm } from './${library}.tsx'
const id = new URLSearchParams(location.search).get('id') ?? '1'
createRoot(document.getElementById('root')!).render(
  <LiveProvider client={createRecordClient()}><OrderForm id={id} /></LiveProvider>,
)`

const GRIDS = ['ag-grid', 'mui-grid'] as const
const gridPageOf = (grid: string) => `
import { createRecordClient } from 'noclobber/client'
import { LiveProvider } from 'noclobber/react'
import { createRoot } from 'react-dom/client'
import { Orders } from './${grid}.tsx'
createRoot(document.getElementById('root')!).render(<LiveProvider client={createRecordClient()}><Orders /></LiveProvider>)`

/** What both frameworks have beside their own: a list, a form of their own, and the last error that the form was given. */
const HEAD = `
import { createRecordClient } from 'noclobber/client'
import { LiveProvider } from 'noclobber/react'
import { createRoot } from 'react-dom/client'
const client = createRecordClient()
const id = new URLSearchParams(location.search).get('id') ?? '1'
const show = (error: any) => { document.title = [error.status, error.message].join(' ') }
const render = (page: any) => createRoot(document.getElementById('root')!).render(page)`

const ADMINS = {
  'react-admin': `${HEAD}
import { QueryClient } from '@tanstack/react-query'
import { invalidateOn } from 'noclobber/tanstack-query'
import { CoreAdminContext, EditBase, Form, ListBase, useInput, useListContext } from 'ra-core'
import { GuardedForm } from './guarded-form.tsx'
import { createDataProvider } from './react-admin.ts'
const queryClient = new QueryClient()
invalidateOn(client, queryClient, { order: [['order', 'getList']] })
const Name = () => {
  const { field, fieldState } = useInput({ source: 'name' })
  return <label>Name <input {...field} /><i>{fieldState.error?.message}</i></label>
}
const Rows = () => <ul>{useListContext().data?.map((row: any) => <li key={row.id}>{row.name}</li>)}</ul>
render(
  <CoreAdminContext dataProvider={createDataProvider(client)} queryClient={queryClient}>
    <ListBase resource="order" sort={{ field: 'name', order: 'ASC' }}><Rows /></ListBase>
    <section id="own">
      <EditBase resource="order" id={id} mutationMode="pessimistic" redirect={false} mutationOptions={{ onError: show }}>
        <Form><Name /><button>Save</button></Form>
      </EditBase>
    </section>
    <section id="guarded">
      <LiveProvider client={client}><GuardedForm type="order" id={id}><Name /></GuardedForm></LiveProvider>
    </section>
  </CoreAdminContext>,
)`,
  refine: `${HEAD}
import { Refine, useForm, useList } from '@refinedev/core'
import { useEffect, useState } from 'react'
import { createDataProvider, createLiveProvider } from './refine.ts'
const Rows = () => {
  const { result } = useList({ resource: 'order', sorters: [{ field: 'name', order: 'asc' }] })
  return <ul>{result.data?.map((row: any) => <li key={row.id}>{row.name}</li>)}</ul>
}
const Own = () => {
  const { query, onFinish } = useForm({ resource: 'order', action: 'edit', id, redirect: false, liveMode: 'manual', onMutationError: show })
  const row = query?.data?.data
  const [typed, setTyped] = useState<any>(null)
  const [errors, setErrors] = useState<any>({})
  useEffect(() => { if (row && !typed) setTyped({ name: row.name, version: row.version }) }, [row, typed])
  const save = (event: any) => {
    event.preventDefault()
    onFinish(typed).then((answer: any) => answer && setTyped(answer.data), (error: any) => setErrors(error.errors ?? {}))
  }
  return <form onSubmit={save}>
    <label>Name <input value={typed?.name ?? ''} onChange={({ target }) => setTyped({ ...typed, name: target.value })} /><i>{errors.name}</i></label>
    <button>Save</button>
  </form>
}
render(
  <LiveProvider client={client}>
    <Refine dataProvider={createDataProvider(client)} liveProvider={createLiveProvider(client)} resources={[{ name: 'order' }]}
      options={{ liveMode: 'auto', disableTelemetry: true }}>
      <Rows />
      <section id="own"><Own /></section>
    </Refine>
  </LiveProvider>,
)`,
}
type Admin = keyof typeof ADMINS

let app: TestApp
let browser: Browser

beforeAll(async () => {
  const folder = await writeGuide(
    'docs/design-systems.md',
    LIBRARIES.map((library) => `${library}.tsx`),
  )
  const files = new Map<string, string>()
  for (const library of LIBRARIES) {
    const path = join(folder, `${library}-page.tsx`)
    await writeFile(path, pageOf(library))
    for (const [file, code] of await buildPage(library, path)) files.set(`/${library}${file}`, code)
  }
  const add = async (folder: string, name: string, code: string) => {
    const path = join(folder, `${name}-page.tsx`)
    await writeFile(path, code)
    for (const [file, made] of await buildPage(name, path)) files.set(`/${name}${file}`, made)
  }
  const grids = await writeGuide(
    'docs/grids.md',
    GRIDS.map((grid) => `${grid}.tsx`),
  )
  for (const grid of GRIDS) await add(grids, grid, gridPageOf(grid))
  const admins = await writeGuide('docs/admin.md', [
    'rows.ts',
    'react-admin.ts',
    'guarded-form.tsx',
    'refine.ts',
  ])
  for (const [admin, code] of Object.entries(ADMINS)) await add(admins, admin, code)
  const order = defineRecordType('order', {
    table: 'orders',
    fields: {
      name: z.string().min(1, 'Give it a name.'),
      state: z.enum(['open', 'closed']),
      due_on: z.iso.date().nullable(),
      price: z.number().nullable(),
      done: z.boolean(),
    },
  })
  ;[app, browser] = await Promise.all([
    startApp({
      types: [order],
      prepare: async (knex) => {
        await knex.raw(`create table orders (id integer generated by default as identity primary key,
          name text not null default 'Bridge', state text not null default 'open', due_on date, price float8, done boolean not null default false)`)
        await trackTable(knex, 'orders')
      },
      makeApp() {
        const own = express()
        own.get('/', (request, response) => {
          response.send(
            `<!doctype html><div id="root"></div><script type="module" src="/${request.query.library}/page.js"></script>`,
          )
        })
        own.get('/:library/{*file}', (request, response, next) => {
          const code = files.get(request.path)
          if (code === undefined) next()
          else response.type('js').send(code)
        })
        return own
      },
    }),
    launchBrowser(),
  ])
})

async function choose(page: Page, library: Library, option: string) {
  await page.getByRole('combobox', { name: 'State' }).click()
  if (library === 'ant') await page.locator('.ant-select-item-option', { hasText: option }).click()
  else await page.getByRole('option', { name: option }).click()
}

describe.for(LIBRARIES)('%s', (library) => {
  test('what is typed and chosen is saved, what others save is shown, a refusal stands at its input', async () => {
    const { body } = await app.call('POST', '/records/order', {
      body: { fields: { name: 'Bridge', state: 'open', due_on: null, price: null, done: false } },
    })
    const { id } = body.data
    const path = `/records/order/${id}`
    const recordNow = async () => (await app.call('GET', path)).body.data
    const fieldsNow = async () => (await recordNow()).fields
    const context = await browser.newContext({ baseURL: app.origin })
    await context.addCookies([{ name: 'session', value: 'alice', url: app.origin }])
    const page = await context.newPage()
    const wrong: string[] = []
    page.on('pageerror', (error) => wrong.push(String(error)))
    await page.goto(`/?library=${library}&id=${id}`)
    const name = page.getByLabel('Name')
    await waitFor(async () => (await name.inputValue()) === 'Bridge', { what: 'the record' })

    await name.press('End')
    await name.pressSequentially(' II')
    await choose(page, library, 'closed')
    const due = page.getByLabel('Due')
    await due.fill('2026-12-01')
    if (library === 'ant') await due.press('Enter')
    await page.getByLabel('Price').pressSequentially('0.05')
    await page.getByRole('checkbox', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await waitFor(async () => (await fieldsNow()).done === true, { what: 'the save' })
    expect(await fieldsNow()).toEqual({
      ...{ name: 'Bridge II', state: 'closed', due_on: '2026-12-01', price: 0.05, done: true },
    })

    const { version } = await recordNow()
    const saved = await app.call('PATCH', path, {
      as: 'bob',
      body: {
        client_version: version,
        changes: { name: 'Tunnel', state: 'open', done: false, due_on: null },
      },
    })
    expect(saved.status).toBe(200)
    await waitFor(async () => (await name.inputValue()) === 'Tunnel', { what: 'Bob’s name' })
    expect(await page.getByRole('checkbox', { name: 'Done' }).isChecked()).toBe(false)
    expect(await due.inputValue()).toBe('')
    await page.getByText('open', { exact: true }).first().waitFor()

    await name.fill('')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Give it a name.').waitFor()
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true')
    expect(await name.evaluate((input) => input === document.activeElement)).toBe(true)
    expect(wrong).toEqual([])
    await context.close()
  })
})

async function openPage(path: string): Promise<{ page: Page; wrong: string[] }> {
  const context = await browser.newContext({ baseURL: app.origin })
  await context.addCookies([{ name: 'session', value: 'alice', url: app.origin }])
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('pageerror', (error) => wrong.push(String(error)))
  await page.goto(path)
  return { page, wrong }
}

async function makeOrder(name: string): Promise<string> {
  const { body } = await app.call('POST', '/records/order', {
    body: { fields: { name, state: 'open', due_on: null, price: null, done: false } },
  })
  return body.data.id
}

const recordOf = async (id: string) => (await app.call('GET', `/records/order/${id}`)).body.data

async function saveAsBob(id: string, changes: object) {
  const { version } = await recordOf(id)
  const body = { client_version: version, changes }
  expect((await app.call('PATCH', `/records/order/${id}`, { as: 'bob', body })).status).toBe(200)
}

describe.for(GRIDS)('%s', (grid) => {
  test('rows are live, a cell is saved, and one that somebody else has changed meanwhile is refused and decided', async () => {
    const [id, other] = [await makeOrder(`Arch ${grid}`), await makeOrder(`Beam ${grid}`)]
    const { page, wrong } = await openPage(`/?library=${grid}`)
    const cell = (text: string) => page.getByRole('gridcell', { name: text, exact: true })
    const type = async (from: string, to: string) => {
      await cell(from).dblclick()
      await page.getByRole('gridcell').getByRole('textbox').fill(to)
    }
    await cell(`Arch ${grid}`).waitFor()
    await saveAsBob(other, { name: `Bob ${grid}` })
    await cell(`Bob ${grid}`).waitFor()

    await type(`Arch ${grid}`, `Dam ${grid}`)
    await page.keyboard.press('Enter')
    await waitFor(async () => (await recordOf(id)).fields.name === `Dam ${grid}`, { what: 'the save' })
    await cell(`Dam ${grid}`).waitFor()

    await type(`Dam ${grid}`, `Mine ${grid}`)
    await saveAsBob(id, { name: `Theirs ${grid}` })
    await page.keyboard.press('Enter')
    const dialog = page.locator('[data-slot=nc-conflict]')
    await dialog.waitFor()
    expect((await recordOf(id)).fields.name).toBe(`Theirs ${grid}`)
    await dialog.getByRole('radio', { name: /^Mine/ }).check()
    await dialog.getByRole('button', { name: 'Save this' }).click()
    await waitFor(async () => (await recordOf(id)).fields.name === `Mine ${grid}`, { what: 'the decision' })
    await cell(`Mine ${grid}`).waitFor()
    expect(wrong).toEqual([])
    await page.context().close()
  })
})

describe.for(Object.keys(ADMINS) as Admin[])('%s', (admin) => {
  test('the list is live, a form of its own is refused when it is stale, and what is wrong stands at its input', async () => {
    const id = await makeOrder(`Arch ${admin}`)
    const { page, wrong } = await openPage(`/?library=${admin}&id=${id}`)
    const own = page.locator('#own')
    const name = own.getByLabel('Name')
    await waitFor(async () => (await name.inputValue()) === `Arch ${admin}`, { what: 'the record' })
    await page
      .getByRole('listitem')
      .filter({ hasText: `Arch ${admin}` })
      .waitFor()

    await name.fill('')
    await own.getByRole('button', { name: 'Save' }).click()
    // An empty input is null to react-admin.
    await own
      .locator('i')
      .filter({ hasText: admin === 'refine' ? 'Give it a name.' : 'expected string' })
      .waitFor()
    await name.fill(`Dam ${admin}`)
    await own.getByRole('button', { name: 'Save' }).click()
    await waitFor(async () => (await recordOf(id)).fields.name === `Dam ${admin}`, { what: 'the save' })

    await name.fill(`Mine ${admin}`)
    await saveAsBob(id, { name: `Bob ${admin}` })
    await page
      .getByRole('listitem')
      .filter({ hasText: `Bob ${admin}` })
      .waitFor()
    expect(await name.inputValue()).toBe(`Mine ${admin}`)
    await own.getByRole('button', { name: 'Save' }).click()
    await page.waitForFunction(() => /^409 Bob saved version 3/.test(document.title))
    expect((await recordOf(id)).fields.name).toBe(`Bob ${admin}`)
    expect(await name.inputValue()).toBe(`Mine ${admin}`)
    expect(wrong).toEqual([])

    if (admin === 'react-admin') {
      const guarded = page.locator('#guarded')
      const field = guarded.getByLabel('Name')
      await waitFor(async () => (await field.inputValue()) === `Bob ${admin}`, {
        what: 'Bob’s name, without a question',
      })
      await field.fill('Edited')
      await saveAsBob(id, { name: 'Changed again' })
      await guarded.getByText(/You both changed: Name/).waitFor()
      await guarded.getByRole('button', { name: 'Save' }).click()
      await page.locator('[data-slot=nc-conflict]').waitFor()
      expect(await field.inputValue()).toBe('Edited')
    }
    await page.context().close()
  })
})
