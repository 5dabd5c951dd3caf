/** What was built, and links that lead nowhere. */
export function buildSite(
  root: string,
  out: string,
): Promise<{
  pages: {
    source: string
    address: string
    title: string
    headings: { level: number; title: string; anchor: string }[]
  }[]
  broken: string[]
}>
