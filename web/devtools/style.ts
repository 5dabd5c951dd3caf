// The panel's own look. It lies in a shadow root: the page's styles don't reach it, and its don't reach the page.

export const CORNER_STYLE = `
:host { position: fixed; right: 12px; bottom: 12px; z-index: 2147483000; display: flex; flex-direction: column; align-items: flex-end; gap: 8px; }
button { padding: 6px 12px; border: 1px solid #2b4a6f; border-radius: 999px; background: #12243a; color: #fff; font: 13px/1.4 system-ui, sans-serif; cursor: pointer; }
button:focus-visible { outline: 2px solid #6cb2ff; outline-offset: 2px; }
@media (pointer: coarse) { button { min-height: 44px; } }
div:not(:empty) { width: min(560px, calc(100vw - 24px)); height: min(520px, calc(100vh - 80px)); box-shadow: 0 12px 40px rgb(0 0 0 / 30%); border-radius: 10px; overflow: hidden; }
`

export const PANEL_STYLE = `
:host { all: initial; display: block; height: 100%; color-scheme: light dark; }
* { box-sizing: border-box; }
.panel { --ink: light-dark(#18202a, #e3e8ee); --soft: light-dark(#55606d, #9fabb8); --line: light-dark(#d9dfe6, #333b45); --paper: light-dark(#fff, #171b21);
  --sunken: light-dark(#f3f5f8, #20262e); --accent: light-dark(#0b5fae, #7ab8f5); --bad: light-dark(#a3251b, #ff9b90);
  display: flex; flex-direction: column; height: 100%; min-height: 240px; background: var(--paper); color: var(--ink); font: 13px/1.45 system-ui, sans-serif; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; padding: 8px; border-bottom: 1px solid var(--line); }
button, input, select { min-height: 28px; padding: 3px 9px; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: var(--ink); font: inherit; }
button { cursor: pointer; }
button[aria-selected="true"], button[aria-pressed="true"] { border-color: var(--accent); background: var(--sunken); color: var(--accent); font-weight: 600; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
input { flex: 1 1 90px; min-width: 60px; }
.state { margin-left: auto; color: var(--soft); }
.body { flex: 1; overflow: auto; padding: 4px 8px 12px; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: 6px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.head { display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; }
.head b { font-weight: 600; }
.time, .soft { color: var(--soft); font-variant-numeric: tabular-nums; }
.time { margin-left: auto; white-space: nowrap; }
.bad { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 12px; margin: 4px 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
code { font: 12px/1.4 ui-monospace, monospace; }
@media (pointer: coarse) { button, input, select { min-height: 44px; min-width: 44px; } input, select { font-size: 16px; } }
`

/** Made by a program, so that a page's policy for styles (`style-src 'self'`) doesn't forbid it. */
export function sheetOf(text: string): CSSStyleSheet {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(text)
  return sheet
}
