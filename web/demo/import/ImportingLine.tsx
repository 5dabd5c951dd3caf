// A line above a list while another user imports into it: who, and the progress.
import type { ImportingEvent } from 'noclobber/client'
import { useRecordClient } from 'noclobber/react'
import { useEffect, useState } from 'react'
import { IMPORT_WORDS, type ImportedType } from './import-words.ts'

/** An import without progress for so long counts as over. */
const IMPORTING_MS = 10_000

export const ImportingLine = ({ type }: { type: ImportedType }) => {
  const client = useRecordClient()
  const [imports, setImports] = useState<readonly ImportingEvent[]>([])

  useEffect(() => {
    const timers = new Map<string, ReturnType<typeof setTimeout>>()
    const forget = (id: string) => setImports((now) => now.filter(({ import_id }) => import_id !== id))
    const stop = client.onEvent(({ event: received, isOwnTab }) => {
      if (received.name !== 'RecordsImporting' || received.event.type !== type || isOwnTab) return
      const { event } = received
      const id = event.import_id
      clearTimeout(timers.get(id))
      forget(id)
      if (event.phase === 'ended') return
      setImports((now) => [...now, event].sort((a, b) => a.import_id.localeCompare(b.import_id)))
      timers.set(id, setTimeout(forget, IMPORTING_MS, id))
    })
    return () => {
      stop()
      for (const timer of timers.values()) clearTimeout(timer)
    }
  }, [client, type])

  if (imports.length === 0) return null
  return <p className="importing figures">{imports.map(IMPORT_WORDS.elsewhere).join(' · ')}</p>
}
