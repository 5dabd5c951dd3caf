// Colours for code, by a few rules that hold for the languages of these pages: comments, texts, words of the language, numbers.

const escapeHtml = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const WORDS =
  'import|export|from|const|let|function|return|async|await|if|else|for|of|in|new|type|interface|extends|class|default|as|null|true|false|undefined|throw|try|catch|finally|while|do|typeof|declare|readonly|create|table|alter|select|insert|update|delete|grant|on|to|where|into|values|begin|commit|set|with|def|while|model'

const rulesOf = (language) => {
  const comment = /^(sh|bash|py|python|yaml|yml|ini|conf|nginx)$/.test(language)
    ? '#[^\\n]*'
    : language === 'sql'
      ? '--[^\\n]*'
      : '\\/\\/[^\\n]*|\\/\\*[\\s\\S]*?\\*\\/|<!--[\\s\\S]*?-->'
  return new RegExp(
    `(${comment})|('(?:[^'\\\\\\n]|\\\\.)*'|"(?:[^"\\\\\\n]|\\\\.)*"|\`(?:[^\`\\\\]|\\\\.)*\`)|\\b(${WORDS})\\b|\\b(\\d[\\d_.]*)\\b`,
    'g',
  )
}

const COLOURED = /^(ts|tsx|typescript|js|jsx|sql|sh|bash|json|html|prisma|py|python|yaml|yml|css|vue|svelte)$/

/** Its HTML. */
export const highlight = (code, language) => {
  if (!COLOURED.test(language)) return escapeHtml(code)
  let html = ''
  let last = 0
  for (const match of code.matchAll(rulesOf(language))) {
    const kind = ['c', 's', 'k', 'n'][match.slice(1).findIndex((group) => group !== undefined)]
    html += `${escapeHtml(code.slice(last, match.index))}<span class="${kind}">${escapeHtml(match[0])}</span>`
    last = match.index + match[0].length
  }
  return html + escapeHtml(code.slice(last))
}
