// A form of a page without React, bound to a record, whose status it shows as an attribute.
import type { RecordStore } from 'noclobber/client'
import { bindForm } from 'noclobber/dom'

export function bindShown(form: HTMLFormElement, editor: RecordStore): () => void {
  const show = () => form.setAttribute('data-status', editor.get().status)
  const stops = [bindForm(form, editor), editor.subscribe(show)]
  show()
  return () => {
    for (const stop of stops) stop()
  }
}
