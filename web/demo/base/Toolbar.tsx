// What stands over a table: the search, a choice, and how much there is.
import type { ReactNode } from 'react'

interface ToolbarProps<C extends string | null> {
  text: string
  onText: (text: string) => void
  label: string
  hint: string
  /** Each with its label. */
  choices: readonly (readonly [choice: C, label: string])[]
  chosen: C
  onChoose: (choice: C) => void
  /** How much there is. */
  children: ReactNode
}

export const Toolbar = <C extends string | null>(props: ToolbarProps<C>) => (
  <search className="toolbar">
    <input
      type="search"
      className="input"
      aria-label={props.label}
      placeholder={props.hint}
      value={props.text}
      onChange={({ target }) => props.onText(target.value)}
    />
    <div className="choices">
      {props.choices.map(([choice, label]) => (
        <button
          key={choice}
          type="button"
          aria-pressed={props.chosen === choice}
          onClick={() => props.onChoose(choice)}
        >
          {label}
        </button>
      ))}
    </div>
    <p className="toolbar-count figures" role="status">
      {props.children}
    </p>
  </search>
)
