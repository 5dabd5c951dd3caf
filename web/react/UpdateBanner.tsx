// The line about other people's changes. It shows the result of bannerFor and decides nothing. Its space is reserved and it
// lies over the page, so that it neither moves the field under the cursor nor takes the focus. The status element stays
// the same whatever it shows: only then do screen readers announce its changes.

import { useEffect, useRef, useState } from 'react'
import type { Banner, BannerAction } from '../client/record/banner.ts'
import { fill } from '../client/words/messages.ts'
import { useLive } from './LiveProvider.tsx'
import { TimeAgo } from './TimeAgo.tsx'

/** The part of an editor that the banner uses. */
export interface BannerEditor {
  banner: Banner | null
  merge: () => void
  review: () => void
  reload: () => void
  dismiss: () => void
  available?: number | null
  show?: () => void
  restore: () => void
  retry: () => void
  copy: () => Promise<boolean>
  recreate: () => unknown
}

const ICONS = { info: 'ℹ', warning: '⚠', refusal: '⊘' } as const

/** Put it at the top of the form; it stays in sight while the form scrolls. */
export function UpdateBanner({ editor }: { editor: BannerEditor }) {
  const { banner, available = null } = editor
  const { words } = useLive()
  const place = useRef<HTMLDivElement>(null)
  const [isNotCopied, setNotCopied] = useState(false)
  /** The button that was pressed goes away with its line: the focus stays at the banner's place, not nowhere. */
  const act = (action: BannerAction) => () => {
    place.current?.focus({ preventScroll: true })
    const done = editor[action]()
    if (action === 'copy') void Promise.resolve(done).then((isCopied) => setNotCopied(isCopied === false))
  }
  useEffect(() => setNotCopied(false), [banner?.key])
  return (
    <div className="nc-banner-place" ref={place} tabIndex={-1}>
      <div className={banner ? `nc-banner nc-${banner.tone}` : 'nc-banner-none'}>
        {banner && (
          <span className="nc-icon" aria-hidden="true">
            {ICONS[banner.tone]}
          </span>
        )}
        <Sentence banner={banner} isNotCopied={isNotCopied} />
        {banner && banner.buttons.length > 0 && (
          <span className="nc-buttons">
            {banner.buttons.map(({ action, label }) => (
              <button key={action} type="button" className="nc-button" onClick={act(action)}>
                {label}
              </button>
            ))}
          </span>
        )}
      </div>
      {!banner && available !== null && (
        <button type="button" className="nc-available" onClick={editor.show}>
          {fill(words.messages.banner.available, { version: available })}
        </button>
      )}
    </div>
  )
}

function Sentence({ banner, isNotCopied }: { banner: Banner | null; isNotCopied: boolean }) {
  const { words } = useLive()
  return (
    <span className="nc-sentence" role="status">
      {banner?.parts.map((part) =>
        part.kind === 'time' ? <TimeAgo key="time" at={part.at} /> : <span key={part.text}>{part.text}</span>,
      )}
      {isNotCopied && ` ${words.messages.banner.notCopied}`}
    </span>
  )
}
