// One page for records that don't exist, belong to another tenant or may not be read: it does not reveal which.
import { Link } from './Parts.tsx'
import { WORDS } from './words.ts'

export const MissingPage = ({ text = WORDS.missing.text }: { text?: string | undefined }) => (
  <div className="state state-page">
    <h1>{WORDS.missing.title}</h1>
    <p>{text}</p>
    <Link to="/projects" className="button">
      {WORDS.missing.back}
    </Link>
  </div>
)
