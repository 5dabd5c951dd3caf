// The pieces in somebody else's design system: each is replaced in one place, named by a slot, and takes a class and more
// buttons, and what it says and does stays the same.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import {
  type BannerPartProps,
  type ButtonPartProps,
  ConflictDialog,
  ConnectionPill,
  type DialogPartProps,
  LiveProvider,
  type Parts,
  UpdateBanner,
  useRecordEditor,
} from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

const components: Partial<Parts> = {
  Button: ({ variant, 'data-slot': slot, children, ...rest }: ButtonPartProps) => (
    <button type="button" data-testid={slot} className={`their-${variant}`} {...rest}>
      {children}
    </button>
  ),
  Banner: ({ isShown, tone, children, actions }: BannerPartProps) => (
    <section data-testid="banner" data-tone={tone} data-shown={isShown}>
      {children}
      {actions}
    </section>
  ),
  Dialog: ({ label, place, children, isModal, placement, tone, ...rest }: DialogPartProps) => (
    <dialog open ref={place} aria-label={label} data-kind={`${placement} ${tone} ${isModal}`} {...rest}>
      {children}
    </dialog>
  ),
}

function Form() {
  const editor = useRecordEditor<{ name: string; status: string }>('project', '1')
  return (
    <form {...editor.form}>
      <UpdateBanner editor={editor} className="their-line" actions={(banner) => <em>{banner.tone}</em>} />
      <ConflictDialog
        editor={editor}
        className="their-dialog"
        placement="center"
        actions={(view) => <em>{`of ${view.fields.length}`}</em>}
      />
      <ConnectionPill className="their-pill" />
      <input aria-label="Name" {...editor.field('name')} />
    </form>
  )
}

async function openConflict(parts?: Partial<Parts>) {
  const server = createSmallServer()
  render(
    <LiveProvider client={server.client} {...(parts && { components: parts })}>
      <Form />
    </LiveProvider>,
  )
  const name = screen.getByLabelText<HTMLInputElement>('Name')
  await waitFor(() => expect(name.value).toBe('Bridge 1'))
  fireEvent.change(name, { target: { value: 'mine' } })
  const status = screen.getAllByRole('status')[0]
  act(() => server.saveAsBob('1', { name: 'theirs' }))
  return { server, status }
}

test('a design system’s own components stand in the place of every button, banner and dialog', async () => {
  const { status } = await openConflict(components)
  const banner = screen.getByTestId('banner')
  expect([banner.dataset.tone, banner.dataset.shown]).toEqual(['warning', 'true'])
  expect(status?.textContent).toMatch(/^Updated by Bob/)
  expect(banner.contains(status as Node)).toBe(true)
  fireEvent.click(screen.getByTestId('nc-review'))
  const dialog = await screen.findByRole('dialog')
  expect(dialog.dataset.kind).toBe('center warning false')
  expect(document.activeElement).toBe(dialog)
  expect(document.querySelector('.nc-button')).toBeNull()
  fireEvent.click(await screen.findByLabelText(/^Mine/))
  fireEvent.click(screen.getByTestId('nc-resolve'))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
})

test('each part takes a class and more buttons, and every element of one has a slot to be styled by', async () => {
  await openConflict()
  expect(document.querySelector('[data-slot="nc-banner"]')?.className).toBe('nc-warning nc-banner their-line')
  expect(document.querySelector('[data-slot="nc-banner-actions"] em')?.textContent).toBe('warning')
  expect(document.querySelector('[data-slot="nc-pill"]')?.className).toContain('their-pill')
  fireEvent.click(screen.getByRole('button', { name: 'Review changes' }))
  const dialog = await screen.findByRole('dialog')
  expect(dialog.className).toContain('their-dialog')
  expect(dialog.dataset.placement).toBe('center')
  expect(dialog.querySelector('em')?.textContent).toBe('of 1')
  const nameless = [...document.querySelectorAll('form button, form dialog, form fieldset')].filter(
    (element) => !element.hasAttribute('data-slot'),
  )
  expect(nameless).toEqual([])
})
