// The pieces that a design system may replace: `<LiveProvider components={{ Button, Banner, Dialog, Person }}>`. What they
// are given is all that they need; what they say and do is decided elsewhere.

import type { ComponentType, KeyboardEvent, MouseEvent, ReactNode, RefObject } from 'react'
import type { Banner as BannerOfRecord } from '../../client/record/banner.ts'

/** A mouse press does not take the focus from the field; the keyboard still reaches the button. */
export const leaveFocus = (event: MouseEvent) => event.preventDefault()

/** Classes of a part: the toolkit's own, and the app's. */
export const classes = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(' ')

/** `info`: for your information; `warning`: act before you go on; `refusal`: this can't be done here. */
export type Tone = BannerOfRecord['tone']

/** What a button of your design system gets. */
export interface ButtonPartProps {
  /** What it does, for styles and tests: `nc-merge`, `nc-dismiss` … */
  'data-slot': string
  /** `primary`: the one that is expected. */
  variant: 'plain' | 'primary' | 'pill'
  /** Its label. */
  children: ReactNode
  /** What it does. */
  onClick: (() => void) | undefined
  /** Keeps the focus in the field; pass it on. */
  onMouseDown?: (event: MouseEvent) => void
  /** It can't be used now. */
  disabled?: boolean
  /** What the page has added. */
  className?: string
}

/** What a banner of your design system gets. */
export interface BannerPartProps {
  'data-slot': string
  /** `false`: the sentence is empty. It has to stay on the page all the same: it is what screen readers follow. */
  isShown: boolean
  /** How urgent it is, for a colour or an icon. */
  tone: Tone
  /** The status element with its sentence. */
  children: ReactNode
  /** Buttons; `null` without any. */
  actions: ReactNode
  /** `nc-banner`, and what the page has added. */
  className: string
}

/** What a dialog of your design system gets. */
export interface DialogPartProps {
  'data-slot': string
  /** How urgent it is, for a colour or an icon. */
  tone: Tone
  /** Its accessible name. */
  label: string
  /** Where it lies: at the end of the page's lower edge, at its start, or in the middle. */
  placement: 'end' | 'start' | 'center'
  /** Nothing behind it can be reached. */
  isModal: boolean
  /** What stands in it. */
  children: ReactNode
  /** Its element, for the focus. */
  place: RefObject<HTMLDialogElement | null>
  /** Pass it on: where the focus goes back to is noted by it. */
  onFocus: (event: { relatedTarget: Element | null; currentTarget: Element }) => void
  /** Pass it on: Escape closes by it. */
  onKeyDown: (event: KeyboardEvent) => void
  /** `nc-dialog`, and what the page has added. */
  className: string
}

/** What a person’s picture of your design system gets. */
export interface PersonPartProps {
  'data-slot': string
  /** Of the person. */
  id: string
  /** Of the person, as the server has it. */
  name: string
  /** What they do at the record. */
  state: 'viewing' | 'editing' | 'idle'
  /** One of eight, always the same for a person: `--nc-person-0` to `--nc-person-7`. */
  color: number
  /** "Bob is editing Name". */
  sentence: string
  /** `nc-person`, and what the page has added. */
  className: string
}

/** What can be replaced. */
export interface Parts {
  /** Every button of the parts. */
  Button: ComponentType<ButtonPartProps>
  /** The line above a form or a list. */
  Banner: ComponentType<BannerPartProps>
  /** What a conflict and a history open in. */
  Dialog: ComponentType<DialogPartProps>
  /** A person at a record. */
  Person: ComponentType<PersonPartProps>
}

const ICONS = { info: 'ℹ', warning: '⚠', refusal: '⊘' } as const

const VARIANTS = { plain: 'nc-button', primary: 'nc-button nc-primary', pill: 'nc-available' }

export const defaultParts: Parts = {
  // It keeps the focus while it can't be pressed.
  Button: ({ variant, className, disabled, onClick, ...rest }) => (
    <button
      type="button"
      className={classes(VARIANTS[variant], className)}
      aria-disabled={disabled || undefined}
      onClick={disabled ? undefined : onClick}
      {...rest}
    />
  ),
  Banner: ({ isShown, tone, children, actions, className, 'data-slot': slot }) => (
    <div
      className={classes(isShown ? `nc-${tone}` : 'nc-banner-none', isShown && className)}
      data-slot={slot}
    >
      {isShown && (
        <span className="nc-icon" aria-hidden="true">
          {ICONS[tone]}
        </span>
      )}
      {children}
      {actions}
    </div>
  ),
  Dialog: ({ tone, label, placement, isModal, place, className, ...rest }) => (
    <dialog
      {...(isModal ? {} : { open: true })}
      ref={place}
      tabIndex={-1}
      className={classes(className, `nc-${tone}`)}
      data-placement={placement}
      aria-label={label}
      {...rest}
    />
  ),
  Person: ({ state, color, sentence, name, id: _id, ...rest }) => (
    <span data-state={state} data-color={color} title={sentence} {...rest}>
      <span aria-hidden="true">{[...name][0]?.toUpperCase()}</span>
      <span className="nc-presence-sentence">{sentence}</span>
    </span>
  ),
}
