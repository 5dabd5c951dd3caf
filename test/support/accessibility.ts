// What a program can find of barriers on a page, and a person who has a keyboard alone.
import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** axe's serious and critical findings, a line each, once what slides in has come to rest. */
export async function seriousBarriers(page: Page): Promise<string[]> {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime))
        .map(({ finished }) => finished),
    ),
  )
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof import('axe-core') }).axe.run(document)
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))
  })
}

const MOST_STOPS = 80

/** Presses Tab until the focus is on what is called so; throws with the stops on the way where it is never reached. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  const stops: string[] = []
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement
      const group = element?.closest('fieldset')?.querySelector('legend')?.textContent ?? ''
      const label =
        element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
          ? (element.labels?.[0]?.textContent ?? '')
          : (element?.textContent ?? '')
      return `${group} ${label}`.trim()
    })
    if (name.test(focused)) return
    stops.push(focused.slice(0, 40))
    await page.keyboard.press('Tab')
  }
  throw new Error(`No way by Tab to ${name}: ${stops.join(' | ')}`)
}
