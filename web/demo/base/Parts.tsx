// The small parts that several pages share: link, badge, avatar, skeleton lines, the states of a list.
import type { ReactNode } from 'react'
import type { Writer } from './records.ts'
import { hrefOf, navigate } from './router.ts'
import { WORDS } from './words.ts'

/** A link within the demo; with a modifier key it is the browser's, as people expect. */
export const Link = ({
  to,
  className,
  children,
}: {
  to: string
  className?: string
  children: ReactNode
}) => (
  <a
    href={hrefOf(to)}
    className={className}
    onClick={(event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return
      event.preventDefault()
      navigate(to)
    }}
  >
    {children}
  </a>
)

/** A status or priority: a mark of its colour, and the word. */
export const Badge = ({ tone, children }: { tone: string; children: ReactNode }) => (
  <span className="badge" data-tone={tone}>
    {children}
  </span>
)

const HUES = [225, 20, 285, 165, 335, 200, 260, 45, 130]

const hueOf = (name: string): number =>
  HUES[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % HUES.length] ?? 225

/** A person's initial in a colour of their own; programs and databases have a square. */
export const Avatar = ({
  name,
  kind = 'user',
  large = false,
}: {
  name: string
  kind?: Writer['kind']
  large?: boolean
}) => (
  <span
    className={`avatar${kind === 'user' ? '' : ' avatar-program'}${large ? ' avatar-large' : ''}`}
    style={kind === 'user' ? ({ '--hue': hueOf(name) } as React.CSSProperties) : undefined}
    aria-hidden="true"
  >
    {kind === 'user' ? name.slice(0, 1).toUpperCase() : '›_'}
  </span>
)

/** Who wrote a version, in the library's own words for what came from outside. */
export const writerName = (writer: Writer | null): string => {
  if (writer === null) return WORDS.history.unknown
  const { kind, name, on_behalf_of: person } = writer
  if (kind === 'database') return WORDS.history.outside(name)
  return person ? WORDS.history.onBehalf(name, person.name) : name
}

/** Grey lines where text will be. */
export const Skeleton = ({ lines, label }: { lines: number; label: string }) => (
  <div className="state-skeleton" role="status" aria-label={label}>
    {Array.from({ length: lines }, (_, line) => (
      <span key={line} className="skeleton" style={{ width: `${88 - ((line * 23) % 40)}%` }} />
    ))}
  </div>
)

/** One sentence where a list would be, and perhaps a button. */
export const Sentence = ({
  text,
  action,
  onAction,
}: {
  text: string
  action?: string
  onAction?: () => void
}) => (
  <div className="state">
    <p>{text}</p>
    {action && (
      <button type="button" className="button" onClick={onAction}>
        {action}
      </button>
    )}
  </div>
)
