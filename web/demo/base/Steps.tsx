// What to try in the split view, in three steps.
import { WORDS } from './words.ts'

export const Steps = () => (
  <ol className="steps">
    {WORDS.signIn.steps.map((step) => (
      <li key={step}>{step}</li>
    ))}
  </ol>
)
