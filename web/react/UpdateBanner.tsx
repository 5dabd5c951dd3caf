// The line about other people's changes. It shows the result of bannerFor and decides nothing. Its space is reserved and it
// lies over the page, so that it neither moves the field under the cursor nor takes the focus. The status element stays
// the same whatever it shows: only then do screen readers announce its changes.

import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Banner, BannerAction } from '../client/record/banner.ts'
import { fill } from '../client/words/messages.ts'
import { activeAt, holdFocus, isOfForm } from '../dom/focus.ts'
import { useLive } from './base/LiveProvider.tsx'
import { classes, leaveFocus } from './base/parts.tsx'
import { TimeAgo } from './base/TimeAgo.tsx'

/** The part of an editor that the banner uses. */
export interface BannerEditor {
  /** What is shown; `null`: nothing. */
  banner: Banner | null
  /** Puts the edits on top of the newest version. */
  merge: () => void
  /** Shows both sides before anything is sent. */
  review: () => void
  /** Shows the newest version; what is typed is set aside. */
  reload: () => void
  /** Puts the banner of this version away. */
  dismiss: () => void
  /** The newer version whose banner was dismissed. */
  available?: number | null
  /** Shows the banner of that version again. */
  show?: () => void
  /** Applies what was set aside again. */
  restore: () => void
  /** Sends again what failed. */
  retry: () => void
  /** Puts the edits on the clipboard; `false` where the browser does not allow it. */
  copy: () => Promise<boolean>
  /** Makes a deleted record anew. */
  recreate: () => unknown
  /** Undoes the last save. */
  undo?: () => unknown
}

/** What {@link UpdateBanner} takes. */
export interface UpdateBannerProps {
  /** Of `useRecordEditor`. */
  editor: BannerEditor
  /** Beside its own. */
  className?: string
  /** More buttons after the banner's own. */
  actions?: (banner: Banner) => ReactNode
}

/** Put it at the top of the form; it stays in sight while the form scrolls. */
export function UpdateBanner({ editor, className, actions }: UpdateBannerProps) {
  const { available = null } = editor
  const [held, setHeld] = useState<Banner | null>(null)
  const banner = editor.banner ?? held
  /** What can be undone stays for as long as somebody is at it. */
  const hold = () => setHeld(banner?.buttons.some(({ action }) => action === 'undo') ? banner : null)
  const release = () => setHeld(null)
  const { words, parts } = useLive()
  const place = useRef<HTMLDivElement>(null)
  const [isNotCopied, setNotCopied] = useState(false)
  const cameFrom = useRef<HTMLElement | null>(null)
  /** The button that has the focus goes away with its line: the focus goes back to where it came from, not nowhere. */
  const goBack = () => {
    const target = cameFrom.current?.isConnected ? cameFrom.current : place.current
    target?.focus({ preventScroll: true })
  }
  const leave = () => {
    if (place.current?.contains(activeAt(place.current))) goBack()
  }
  useEffect(() => (place.current ? holdFocus(place.current, goBack) : undefined), [])
  const act = (action: BannerAction) => () => {
    leave()
    release()
    const done = editor[action]?.()
    if (action === 'copy') void Promise.resolve(done).then((isCopied) => setNotCopied(isCopied === false))
  }
  useEffect(() => setNotCopied(false), [banner?.key])
  const hasButtons = (banner?.buttons.length ?? 0) > 0 || available !== null
  useEffect(() => {
    if (!hasButtons) return
    const goThere = (event: globalThis.KeyboardEvent) => {
      if (event.key !== 'F8' || !place.current || !isOfForm(place.current)) return
      event.preventDefault()
      const active = activeAt(place.current) as HTMLElement | null
      if (place.current.contains(active)) return leave()
      cameFrom.current = active
      place.current.querySelector('button')?.focus()
    }
    const page = place.current?.ownerDocument ?? document
    page.addEventListener('keydown', goThere)
    return () => page.removeEventListener('keydown', goThere)
  })
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: nothing is pressed here; it only notices that somebody is in it
    <div
      className="nc-banner-place"
      data-slot="nc-banner-place"
      ref={place}
      tabIndex={-1}
      onFocus={hold}
      onBlur={release}
      onMouseEnter={hold}
      onMouseLeave={release}
    >
      <parts.Banner
        data-slot="nc-banner"
        isShown={banner !== null}
        tone={banner?.tone ?? 'info'}
        className={classes('nc-banner', className)}
        actions={
          banner && (banner.buttons.length > 0 || actions) ? (
            <span className="nc-buttons" data-slot="nc-banner-actions">
              {banner.buttons.map(({ action, label }) => (
                <parts.Button
                  key={action}
                  data-slot={`nc-${action}`}
                  variant="plain"
                  onMouseDown={leaveFocus}
                  onClick={act(action)}
                >
                  {label}
                </parts.Button>
              ))}
              {actions?.(banner)}
              <span className="nc-hidden">{words.messages.banner.keys}</span>
            </span>
          ) : null
        }
      >
        <Sentence banner={banner} isNotCopied={isNotCopied} />
      </parts.Banner>
      {!banner && available !== null && (
        <parts.Button data-slot="nc-available" variant="pill" onMouseDown={leaveFocus} onClick={editor.show}>
          {fill(words.messages.banner.available, { version: available })}
        </parts.Button>
      )}
    </div>
  )
}

function Sentence({ banner, isNotCopied }: { banner: Banner | null; isNotCopied: boolean }) {
  const { words } = useLive()
  return (
    <span className="nc-sentence" data-slot="nc-banner-sentence" role="status">
      {banner?.parts.map((part) =>
        part.kind === 'time' ? <TimeAgo key="time" at={part.at} /> : <span key={part.text}>{part.text}</span>,
      )}
      {isNotCopied && <span>{` ${words.messages.banner.notCopied}`}</span>}
    </span>
  )
}
