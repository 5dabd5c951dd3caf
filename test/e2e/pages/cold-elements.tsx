// A form of one record without React, with its dialog, of which all that is loaded later may be missing.
import { createRecordClient } from 'noclobber/client'
import { bindForm, defineElements } from 'noclobber/dom'

const [, id = '', user = ''] = location.pathname.split('/')

const client = createRecordClient({
  transports: ['event_stream'],
  token: () => user,
  userId: () => user,
})
const editor = client.editor('project', id)

document.body.innerHTML = `<form><input name="name"><button>Save</button><output></output></form>
  <noclobber-conflict record-type="project" record-id="${id}"></noclobber-conflict>`
defineElements(client)
bindForm(document.querySelector('form') as HTMLFormElement, editor)
editor.subscribe(() => {
  const output = document.querySelector('output')
  if (output) output.textContent = editor.get().status
})
