// A saved cell that the server lost: its task is searched for, so that it is in sight, and the cell begins with the lost value.
import type { LostSave } from 'noclobber/client'
import type { ListCellEditor } from 'noclobber/react'
import { useEffect, useState } from 'react'
import type { Task } from '../base/records.ts'

/** `rows`: `null` while the list isn't what was searched for. Gives `false` while another cell is being edited. */
export const useLostCell = (
  { edit, begin, change }: ListCellEditor,
  rows: readonly Task[] | null,
  search: (title: string) => void,
): ((save: LostSave) => boolean) => {
  const [lost, setLost] = useState<LostSave | null>(null)
  const [searched, setSearched] = useState('')
  useEffect(() => {
    const row = lost && rows?.find(({ id }) => id === lost.id)
    const [entry] = Object.entries(lost?.changes ?? {})
    if (!row || !entry) return
    if (searched !== row.fields.title) {
      setSearched(row.fields.title)
      return search(row.fields.title)
    }
    setLost(null)
    if (begin(row, entry[0])) change(entry[1])
  }, [lost, rows, searched, begin, change, search])
  return (save) => {
    if (edit) return false
    setLost(save)
    setSearched('')
    search('')
    return true
  }
}
