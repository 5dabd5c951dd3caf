// What a program can find of barriers on a page, and a person who has a keyboard alone.
import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** axe's serious and critical findings in what `within` selects, a line each, once what slides in has come to rest. */
export async function seriousBarriers(page: Page, within = 'html'): Promise<string[]> {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime))
        .map(({ finished }) => finished),
    ),
  )
  await page.evaluate(axe.source)
  return page.evaluate(async (selector) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') }
    const { violations } = await axe.run(selector, { resultTypes: ['violations'] })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))
  }, within)
}

const MOST_STOPS = 80

/** Presses Tab until the focus is on what is called so; throws with the stops on the way where it is never reached. */
export async function tabTo(page: Page, name: RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const stops: string[] = []
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement === document.body ? null : document.activeElement
      const group = element?.closest('fieldset')?.querySelector('legend')?.textContent ?? ''
      const label =
        element instanceof HTMLInputElement ||
        element instanceof HTMLTextAreaElement ||
        element instanceof HTMLSelectElement
          ? (element.labels?.[0]?.textContent ?? '')
          : (element?.textContent ?? '')
      return `${group} ${label}`.trim()
    })
    if (name.test(focused)) return
    stops.push(focused.slice(0, 40))
    await page.keyboard.press(key)
  }
  throw new Error(`No way by Tab to ${name}: ${stops.join(' | ')}`)
}

/** Goes there by Tab, and writes over what is in it. */
export async function typeInto(page: Page, name: RegExp, text: string): Promise<void> {
  await tabTo(page, name)
  await page.keyboard.press('Control+A')
  await page.keyboard.type(text)
}

/** Signs in on the page that is there, by Tab and Enter. */
export async function signInByKeyboard(page: Page, person: RegExp): Promise<void> {
  const text = (await page.getByRole('button', { name: person }).textContent()) ?? ''
  // The whole of it: other stops on the way name people too.
  await tabTo(page, new RegExp(`^${text.trim().replace(/[^\w\s]/g, '.')}$`))
  await page.keyboard.press('Enter')
}

const PRESSED =
  'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=tab], [role=menuitem]'

/**
 * What a finger would miss: each control in sight that has fewer than 44 × 44 px to be pressed on, measured point by point from its
 * middle, its label counted; and each text that is typed in letters of less than 16 px, which phones enlarge the page for.
 */
export const smallTargets = (page: Page, within = 'body'): Promise<string[]> =>
  page.evaluate(
    ([selector, pressed]) => {
      const NEEDED = 44
      const found: string[] = []
      for (const control of document.querySelectorAll<HTMLInputElement>(
        pressed
          .split(', ')
          .map((one) => `${selector} ${one}`)
          .join(', '),
      )) {
        if (!control.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
        if (control.matches(':disabled, .visually-hidden, .skip-link:not(:focus)')) continue
        control.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' })
        const { left, top, width, height } = control.getBoundingClientRect()
        if (width < 2 || height < 2) continue
        const isHit = (x: number, y: number) => {
          const hit = document.elementFromPoint(x, y)
          const label = hit?.closest('label')
          return hit !== null && (control.contains(hit) || label?.control === control)
        }
        const [x, y] = [left + width / 2, top + height / 2]
        // Something lies over it: it is pressed once that is gone.
        if (!isHit(x, y)) continue
        const reach = (dx: number, dy: number) => {
          let far = 0
          while (far < NEEDED && isHit(x + dx * (far + 1), y + dy * (far + 1))) far += 1
          return far
        }
        const [wide, high] = [reach(-1, 0) + reach(1, 0) + 1, reach(0, -1) + reach(0, 1) + 1]
        const letters = Number.parseFloat(getComputedStyle(control).fontSize)
        const isTyped = control.matches(
          'input:not([type=checkbox], [type=radio], [type=range], [type=color], [type=file]), select, textarea',
        )
        const isSmall = wide < NEEDED || high < NEEDED || (isTyped && letters < 16)
        const name = control.getAttribute('aria-label') ?? control.textContent ?? ''
        if (isSmall)
          found.push(
            `${control.localName}.${control.className} “${name.trim().slice(0, 40)}” ${wide} × ${high}, ${letters} px`,
          )
      }
      return [...new Set(found)]
    },
    [within, PRESSED] as const,
  )
