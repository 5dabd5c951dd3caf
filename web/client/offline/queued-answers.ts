// Answers to the app's own requests that wait: the one in the place of the server's, and what a refusal says.

const SHOWN_CHARS = 300

export const shortened = (text: string): string => text.slice(0, SHOWN_CHARS)

/** The answer in the place of one: 202, and whether it outlives the page. */
export const waiting = (key: string, isKept: boolean) =>
  new Response(JSON.stringify({ queued: { key, isKept } }), {
    status: 202,
    headers: { 'Content-Type': 'application/json' },
  })

export async function refusalOf(response: Response): Promise<{ status: number; detail: string }> {
  const { status } = response
  const body: unknown = await response.json().catch(() => null)
  const detail = (body as { detail?: unknown } | null)?.detail
  const said = typeof detail === 'string' && detail !== '' ? detail : `The server answered ${status}.`
  return { status, detail: shortened(said) }
}
