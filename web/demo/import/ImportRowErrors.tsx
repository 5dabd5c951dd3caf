// What is wrong with a file, line by line.
import type { FileProblem } from 'noclobber/client'
import { WORDS } from '../base/words.ts'
import { IMPORT_WORDS } from './import-words.ts'

const words = IMPORT_WORDS
const labels: Record<string, string> = { ...WORDS.tasks.columns, ...WORDS.fields }

export const ImportRowErrors = ({ problem: { errors, complete, invalid } }: { problem: FileProblem }) => (
  <>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
    <section className="import-row-errors" aria-label={words.rowErrors} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col" className="right">
              {words.columns.line}
            </th>
            <th scope="col">{words.columns.field}</th>
            <th scope="col">{words.columns.message}</th>
          </tr>
        </thead>
        <tbody>
          {errors.map(({ line, field, message }) => (
            <tr key={`${line} ${field} ${message}`}>
              <td className="right figures">{line ?? words.wholeFile}</td>
              <td>{labels[field] ?? field}</td>
              <td className="import-message">{message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
    {!complete && <p>{words.incomplete}</p>}
    {complete && new Set(errors.map(({ line }) => line)).size < invalid && (
      <p>{words.unlisted(errors.length)}</p>
    )}
  </>
)
