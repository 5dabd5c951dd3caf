// A page whose own requests wait for the server, in IndexedDB; the test calls its functions.
import { createRecordClient } from 'noclobber/client'
import { createOffline } from 'noclobber/offline'

declare global {
  interface Window {
    rename(id: string, version: number, name: string): Promise<number>
    waiting(): string[]
    answered(): string[]
  }
}

const answers: string[] = []
const offline = createOffline()
offline.onAnswered(({ request, response }) => answers.push(`${request.label} ${response.status}`))
const client = createRecordClient({ offline, userId: () => 'alice' })

window.rename = async (id, clientVersion, name) => {
  const answer = await client.fetch(`/own/${id}/rename`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ clientVersion, name }),
    queue: name,
  })
  return answer.status
}
window.waiting = () => offline.unsent.get().requests.map(({ label }) => label)
window.answered = () => answers
document.title = 'ready'
