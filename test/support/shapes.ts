// What a page of the catalogue looks like, as data: the box, the colours and the text of each element of each state, a line each.
// It is compared with the lines that are kept, with two pixels of tolerance, so it says in words what has changed.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

/** One element of a state. */
export interface Shape {
  /** The part and its state. */
  state: string
  /** What the element is: `data-slot`, or its tag. */
  name: string
  /** In pixels of the state: left, top, width, height. */
  box: [number, number, number, number]
  /** Of text, background and edge. */
  colours: string
  text: string
}

/** What is kept of a variant; the rest follows from another one. */
export type Kept = 'box' | 'colours' | 'text'

const PIXELS = 2
/** Debian's Chromium comes with it. Where it isn't, boxes are not compared. */
const FONT = 'DejaVu Sans'
const FONT_WIDTH = 974

/** All shapes of a page, in its order. `hasFont`: its texts are as wide as those that are kept. */
export async function shapesOf(page: Page): Promise<{ shapes: Shape[]; hasFont: boolean }> {
  return page.evaluate(
    ([font, width]) => {
      const pinned = new CSSStyleSheet()
      pinned.replaceSync(`*, ::before, ::after { font-family: '${font}' !important }`)
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, pinned]
      const hex = (colour: string) => {
        const [r = 0, g = 0, b = 0, alpha = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number)
        const all = colour.startsWith('color(') ? [r * 255, g * 255, b * 255] : [r, g, b]
        const digits = all.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')
        return alpha === 0 ? 'none' : `#${digits}${alpha < 1 ? `/${alpha}` : ''}`
      }
      const ownText = (element: Element) =>
        [...element.childNodes]
          .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
          .map(({ textContent }) => textContent)
          .join(' ')
          .replace(/\s+/g, ' ')
          .trim()
      const measure = document.createElement('canvas').getContext('2d')
      if (measure) measure.font = `100px '${font}'`
      const hasFont = Math.round(measure?.measureText('mmmmmmmmmm').width ?? 0) === width
      const shapes = [...document.querySelectorAll('[data-part]')].flatMap((section) => {
        const origin = section.getBoundingClientRect()
        const state = `${section.getAttribute('data-part')} ${section.getAttribute('data-state-name')}`
        return [...section.querySelectorAll('*')].flatMap((element) => {
          const text = ownText(element)
          const slot = element.getAttribute('data-slot')
          const { left, top, width, height } = element.getBoundingClientRect()
          const isOfInterest = slot !== null || text !== '' || element.matches('button, input, textarea, li')
          if (!isOfInterest || width < 2 || height < 2) return []
          const style = getComputedStyle(element)
          const edge = style.borderTopWidth === '0px' ? 'none' : hex(style.borderTopColor)
          const box = [left - origin.left, top - origin.top, width, height].map(Math.round) as Shape['box']
          const colours = `${hex(style.color)} on ${hex(style.backgroundColor)}, edge ${edge}`
          return [{ state, name: slot ?? element.tagName.toLowerCase(), box, colours, text }]
        })
      })
      return { shapes, hasFont }
    },
    [FONT, FONT_WIDTH] as const,
  )
}

const fileOf = (variant: string) => fileURLToPath(new URL(`../e2e/shapes/${variant}.txt`, import.meta.url))

const linesOf = (shapes: Shape[], kept: readonly Kept[]) => {
  let last = ''
  return shapes.flatMap(({ state, name, box, colours, text }) => {
    const head = state === last ? [] : [`# ${state}`]
    last = state
    const parts = { box: box.join(' '), colours, text: JSON.stringify(text) }
    return [...head, [name, ...kept.map((part) => parts[part])].join(' | ')]
  })
}

function readLines(lines: string, kept: readonly Kept[]): Partial<Shape>[] {
  let state = ''
  return lines
    .trim()
    .split('\n')
    .flatMap((line) => {
      if (line.startsWith('# ')) {
        state = line.slice(2)
        return []
      }
      const [name = '', ...parts] = line.split(' | ')
      const of = (part: Kept) => parts[kept.indexOf(part)]
      const [box, colours, text] = [of('box'), of('colours'), of('text')]
      return [
        {
          ...{ state, name },
          ...(box !== undefined && { box: box.split(' ').map(Number) as Shape['box'] }),
          ...(colours !== undefined && { colours }),
          ...(text !== undefined && { text: JSON.parse(text) as string }),
        },
      ]
    })
}

/** How these differ from those that were: a sentence each. */
export function differences(shapes: Shape[], before: Partial<Shape>[], hasFont: boolean): string[] {
  const nameOf = ({ state, name }: Partial<Shape>) => `${state} › ${name}`
  const found: string[] = []
  for (let at = 0; at < Math.max(shapes.length, before.length); at += 1) {
    const [now, old] = [shapes[at], before[at]]
    if (!now || !old || nameOf(now) !== nameOf(old)) {
      found.push(`${now ? nameOf(now) : 'nothing'}, where ${old ? nameOf(old) : 'nothing'} was`)
      break
    }
    const isMoved = old.box?.some((part, edge) => Math.abs(part - (now.box[edge] ?? 0)) > PIXELS)
    if (hasFont && isMoved) found.push(`${nameOf(now)} at ${now.box.join(' ')}, was at ${old.box?.join(' ')}`)
    for (const part of ['colours', 'text'] as const)
      if (old[part] !== undefined && old[part] !== now[part])
        found.push(`${nameOf(now)}: ${now[part]}, was ${old[part]}`)
  }
  return found
}

/** Words in the middle of a line: they stay in the order of their own language. */
const INLINE = new Set(['span', 'del', 'ins', 'bdi', 'small', 'strong', 'time', 'nc-time', 'mark'])

export const withoutWords = <S extends Partial<Shape>>(shapes: S[]): S[] =>
  shapes.filter(({ name = '' }) => !INLINE.has(name))

/** The same from right to left: each box as far from the other side of its state. */
export const mirrored = (shapes: Shape[], widths: Map<string, number>): Shape[] =>
  shapes.map((shape) => {
    const [left, top, width, height] = shape.box
    return { ...shape, box: [(widths.get(shape.state) ?? 0) - left - width, top, width, height] }
  })

/** Compares with what is kept of this variant; with NOCLOBBER_SHAPES=keep it is kept from now on. */
export async function compareWithKept(
  variant: string,
  kept: readonly Kept[],
  { shapes, hasFont }: { shapes: Shape[]; hasFont: boolean },
): Promise<string[]> {
  if (process.env.NOCLOBBER_SHAPES === 'keep') {
    await writeFile(fileOf(variant), `${linesOf(shapes, kept).join('\n')}\n`)
    return []
  }
  return differences(shapes, readLines(await readFile(fileOf(variant), 'utf8'), kept), hasFont)
}
