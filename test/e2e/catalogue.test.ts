// The catalogue: every state of every part, in light and dark, another language, from right to left, with longer words, at a
// desk and on a phone. What it looks like is compared with what was looked at (shapes/, docs/decisions/068); the pictures are for
// the eye.
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { seriousBarriers, smallTargets } from '../support/accessibility.ts'
import { launchBrowser } from '../support/chromium.ts'
import { button, field, keepPicture, type RunningDemo, startDemo } from '../support/demo.ts'
import {
  compareWithKept,
  differences,
  type Kept,
  mirrored,
  type Shape,
  shapesOf,
  withoutWords,
} from '../support/shapes.ts'
import { byRun, oneIn } from '../support/short-run.ts'

const DESK = { viewport: { width: 1280, height: 800 } }
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }

const VARIANTS = [
  ['light', '', DESK],
  ['dark', '?theme=dark', DESK],
  ['german', '?lang=de', DESK],
  ['right-to-left', '?dir=rtl', DESK],
  ['long words', '?words=long', DESK],
  ['phone', '', PHONE],
  ['phone-dark', '?theme=dark', PHONE],
  ['phone-german', '?lang=de', PHONE],
  ['phone-long-words', '?words=long', PHONE],
] as const

/** Each way of drawing once, at a desk or on a phone. */
const IN_SHORT = new Set<string>(['light', 'dark', 'phone-long-words'])

/** What is kept of each variant: the others look like these, and those that aren't here are only measured. */
const KEPT: Record<string, readonly Kept[]> = {
  light: ['box', 'colours', 'text'],
  dark: ['colours'],
  german: ['box', 'text'],
  phone: ['box'],
}
let light: { shapes: Shape[]; hasFont: boolean }

let demo: RunningDemo
let browser: Browser
beforeAll(async () => {
  ;[demo, browser] = await Promise.all([startDemo(), launchBrowser()])
})

async function openCatalogue(query: string, options: object): Promise<Page> {
  const own = { reducedMotion: 'reduce', timezoneId: 'UTC', locale: 'en-GB', ...options } as const
  const page = await (await browser.newContext(own)).newPage()
  await page.clock.setFixedTime('2026-11-29T14:05:00Z')
  await page.goto(`${demo.url}/catalogue${query}`)
  await page.locator('[data-part="ConflictDialog"][data-state-name="refused"] dialog').waitFor()
  return page
}

/** Lines that a banner's sentence and buttons take, by the middles of what is drawn. */
const bannerLines = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('[data-part="UpdateBanner"] [data-slot="nc-banner"]')].flatMap((banner) => {
      const state = banner.closest('[data-state-name]')?.getAttribute('data-state-name')
      const range = document.createRange()
      const sentence = banner.querySelector('[role=status]')
      if (!sentence || banner.clientHeight === 0) return []
      range.selectNodeContents(sentence)
      const box = banner.getBoundingClientRect()
      const buttons = [...banner.querySelectorAll('button')].map((one) => one.getBoundingClientRect())
      const drawn = [...range.getClientRects()].filter(
        ({ width, top, bottom }) => width > 1 && top >= box.top - 1 && bottom <= box.bottom + 1,
      )
      const rowsOf = (boxes: DOMRect[]) =>
        new Set(boxes.map(({ top, bottom }) => Math.round((top + bottom) / 8))).size
      const end = Math.max(...drawn.map(({ bottom }) => bottom))
      const isBelow = buttons.some(({ top }) => top >= end - 2)
      const lines = isBelow ? rowsOf(drawn) + rowsOf(buttons) : Math.max(rowsOf(drawn), rowsOf(buttons))
      const isOut = buttons.some(({ left, right }) => left < box.left - 1 || right > box.right + 1)
      return lines > 2 || isOut ? [`${state}: ${lines} lines${isOut ? ', a button outside' : ''}`] : []
    }),
  )

/** Edges and dots that don't stand out from what is behind them by 3:1. */
const weakEdges = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
    const rgb = (color: string, behind: number[] = [255, 255, 255]): number[] => {
      if (!canvas) return behind
      canvas.fillStyle = `rgb(${behind.join(' ')})`
      canvas.fillRect(0, 0, 1, 1)
      canvas.fillStyle = color
      canvas.fillRect(0, 0, 1, 1)
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
    }
    const backgroundOf = (element: Element | null): number[] =>
      element === null
        ? [255, 255, 255]
        : rgb(getComputedStyle(element).backgroundColor, backgroundOf(element.parentElement))
    const light = (color: number[]) => {
      const [r = 0, g = 0, b = 0] = color.map((part) => {
        const value = part / 255
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const contrast = (a: number[], b: number[]) => {
      const [high, low] = [light(a), light(b)].sort((one, other) => other - one) as [number, number]
      return (high + 0.05) / (low + 0.05)
    }
    const measure = (selector: string, property: 'borderTopColor' | 'backgroundColor') =>
      [...document.querySelectorAll(selector)].flatMap((element) => {
        const behind = backgroundOf(element.parentElement)
        const found = contrast(rgb(getComputedStyle(element)[property], behind), behind)
        return found < 3
          ? [
              `${selector} ${found.toFixed(2)} in ${element.closest('[data-part]')?.getAttribute('data-state-name')}`,
            ]
          : []
      })
    return [
      ...new Set([
        ...measure(
          '.nc-banner, .nc-list-bar, .nc-available, .nc-unsent > li, .nc-take-over-message, .nc-conflict',
          'borderTopColor',
        ),
        ...measure(
          '.nc-button:not(.nc-primary):not(:disabled), .nc-presence-person, .nc-result',
          'borderTopColor',
        ),
        ...measure('.nc-pill-dot, .nc-primary:not(:disabled)', 'backgroundColor'),
      ]),
    ]
  })

const overflowing = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    const out = [...document.querySelectorAll('[data-slot^="nc-"]')].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect()
      return width > 1 && (left < -1 || right > clientWidth + 1)
    })
    return [
      ...(scrollWidth > clientWidth ? [`page ${scrollWidth} > ${clientWidth}`] : []),
      ...out.map(
        (one) =>
          `${one.getAttribute('data-slot')} in ${one.closest('[data-part]')?.getAttribute('data-state-name')}`,
      ),
    ]
  })

describe.for(VARIANTS.filter(([name]) => byRun({ short: IN_SHORT.has(name), full: true })))(
  '%s',
  ([name, query, options]) => {
    test('nothing overflows, banners have two lines at most, edges stand out, axe finds nothing serious', async () => {
      const page = await openCatalogue(query, options)
      await keepPicture(page, `catalogue-${name.replaceAll(' ', '-')}`, true)
      expect(await page.locator('[data-part]').count()).toBeGreaterThan(30)
      expect(await overflowing(page)).toEqual([])
      expect(await bannerLines(page)).toEqual([])
      expect(await weakEdges(page)).toEqual([])
      expect(await seriousBarriers(page)).toEqual([])
      const found = await shapesOf(page)
      if (name === 'light') light = found
      const kept = KEPT[name]
      if (kept) expect(await compareWithKept(name, kept, found)).toEqual([])
      if (name === 'dark') expect(differences(found.shapes, boxesOf(light.shapes), found.hasFont)).toEqual([])
      if (name === 'right-to-left') {
        const turned = mirrored(found.shapes, await widthsOf(page))
        const before = withoutWords(boxesOf(light.shapes))
        expect(differences(withoutWords(turned), before, found.hasFont)).toEqual([])
      }
      await page.context().close()
    })
  },
)

const boxesOf = (shapes: Shape[]) => shapes.map(({ state, name, box, text }) => ({ state, name, box, text }))

/** Of each state. */
const widthsOf = async (page: Page) =>
  new Map(
    await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('[data-part]')].map(
        ({ dataset, offsetWidth }): [string, number] => [`${dataset.part} ${dataset.stateName}`, offsetWidth],
      ),
    ),
  )

test('a button that is wider, of another colour, of another word or gone is found', () => {
  const at = light.shapes.findIndex(({ name }) => name === 'nc-dismiss')
  const changed = (change: Partial<Shape>) =>
    differences(
      light.shapes.map((shape, index) => (index === at ? { ...shape, ...change } : shape)),
      light.shapes,
      true,
    )
  const [left = 0, top = 0, width = 0, height = 0] = light.shapes[at]?.box ?? []
  expect(changed({})).toEqual([])
  expect(changed({ box: [left, top, width + 1, height] })).toEqual([])
  for (const change of [
    { box: [left, top, width + 3, height] as Shape['box'] },
    { colours: '#000000 on none, edge none' },
    { text: 'Hide' },
    { name: 'nc-hide' },
  ])
    expect(changed(change)).toHaveLength(1)
})

const MACHINES = [
  ['desk', DESK],
  ['phone', PHONE],
] as const

describe.for(oneIn(2, MACHINES))('on a %s', ([, options]) => {
  test('a banner, people and an ask come and go, and move nothing of the form', async () => {
    const page = await openCatalogue('', options)
    const anchor = page.locator('[data-anchor]')
    const place = () =>
      anchor.evaluate((element) => {
        const { left, top, width, height } = element.getBoundingClientRect()
        return { left, top: top + scrollY, width, height }
      })
    const before = await place()
    await page.locator('[data-toggle]').click()
    await page.locator('.catalogue-form [data-slot="nc-banner-actions"]').waitFor()
    await page.locator('.catalogue-form [data-slot="nc-field-presence"] > span').waitFor()
    expect(await place()).toEqual(before)
    await page.context().close()
  })
})

test('a finger finds 44 × 44 px of each control of the parts, and inputs have 16 px text', async () => {
  const catalogue = await openCatalogue('', PHONE)
  expect(await smallTargets(catalogue, '[data-part]')).toEqual([])
  await catalogue.context().close()
})

test('a finger finds 44 × 44 px of each control of the demo, and inputs have 16 px text', {
  tags: 'full',
}, async () => {
  const id = await demo.createProject()
  const page = await demo.signIn(browser, 'alice', { ...PHONE, reducedMotion: 'reduce' })
  const shown = async (path: string, ready: string) => {
    await page.goto(demo.url + path)
    await page.locator(ready).first().waitFor()
  }
  const found: Record<string, string[]> = {}
  const look = async (what: string) => {
    await keepPicture(page, `finger-${what.replaceAll(' ', '-')}`)
    const small = await smallTargets(page)
    if (small.length > 0) found[what] = small
  }
  await shown('/', '.person')
  await look('people')
  await shown('/projects', '.row-link')
  await page.locator('.deleted-projects summary').click()
  await look('projects')
  await page.locator('.import-open').click()
  await page.getByRole('dialog').locator('input[type=file]').waitFor({ state: 'attached' })
  await look('import')
  await shown(`/projects/${id}`, 'form.form')
  await field(page, 'Name').fill('Typed by a finger')
  await fetch(`${demo.url}/api/v1/records/project/${id}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer demo:bob', 'content-type': 'application/json' },
    body: JSON.stringify({ client_version: 1, changes: { name: 'Bob’s', status: 'done' } }),
  })
  await page.locator('form.form [data-slot="nc-banner-actions"]').waitFor()
  await look('form')
  await button(page, 'Review changes').click()
  await page.getByRole('dialog').getByRole('radio').first().waitFor()
  await look('conflict')
  await shown('/tasks', '.cell-button')
  await look('tasks')
  await shown('/parts', '.part-table tbody tr')
  await look('parts')
  // The longest state's name, while edits wait too.
  await page.evaluate(() => {
    const name = document.querySelector('.header .nc-pill > [data-status]')
    if (name !== null) name.textContent = 'Reconnecting'
  })
  await look('parts while it connects')
  await page.context().close()
  expect(found).toEqual({})
})

test('an address that nobody knows is a page that says so, with 404; for a program it is a document', async () => {
  const page = await demo.signIn(browser, 'alice')
  const answer = await page.goto(`${demo.url}/nowhere/at/all`)
  expect(answer?.status()).toBe(404)
  await page.getByRole('heading', { name: 'Not here' }).waitFor()
  const program = await fetch(`${demo.url}/nowhere`, { headers: { accept: 'application/json' } })
  expect([program.status, program.headers.get('content-type')]).toEqual([
    404,
    'application/problem+json; charset=utf-8',
  ])
  expect((await fetch(`${demo.url}/api/v1/nowhere`)).headers.get('content-type')).toContain('json')
  await page.context().close()
})
