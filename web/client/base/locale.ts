// Language tags as pages have them: none makes `Intl` throw.

/** A tag as people write it: `de_DE`, `en_US.UTF-8`; English where it is none. */
export function localeOf(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag.replace(/[.@].*$/, '').replaceAll('_', '-'))[0] ?? 'en'
  } catch {
    return 'en'
  }
}
