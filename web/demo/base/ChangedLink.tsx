// A link to a page of records, with how many of them others have changed since this person last looked at them.
import { ChangedBadge, useChangedSince } from 'noclobber/react'
import type { ReactNode } from 'react'
import { useEffect } from 'react'
import { Link } from './Parts.tsx'

export const ChangedLink = ({
  type,
  to,
  className,
  children,
}: {
  type: string
  to: string
  className?: string
  children: ReactNode
}) => (
  <Link to={to} {...(className !== undefined && { className })}>
    {children}
    <ChangedBadge changed={useChangedSince(type)} />
  </Link>
)

/** This page shows them: what is counted while somebody looks at it was seen. */
export const useSeen = (type: string): void => {
  const { status, count, markSeen } = useChangedSince(type)
  useEffect(() => {
    if (status === 'ready' && count !== 0 && document.visibilityState === 'visible') markSeen()
  }, [status, count, markSeen])
}
