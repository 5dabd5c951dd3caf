// What is proposed for any project and waits for this person's decision; of those who may not decide, what they have proposed themselves.
import { OpenSuggestions, useOpenSuggestions } from 'noclobber/history'
import { useState } from 'react'
import { Link } from '../base/Parts.tsx'
import type { ProjectFields } from '../base/records.ts'
import type { Person } from '../base/session.ts'
import { WORDS } from '../base/words.ts'

const words = WORDS.projects

export const OpenProjectSuggestions = ({ person }: { person: Person }) => {
  const mine = person.role !== 'editor'
  const { suggestions, isMore } = useOpenSuggestions('project', { mine })
  const [isOpen, setOpen] = useState(false)
  // Once it is open, what came of the last decision stays to be read.
  if (suggestions.length === 0 && !isOpen) return null
  return (
    <details className="card open-suggestions" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {mine ? words.ownSuggestions : words.suggestions} ({suggestions.length}
        {isMore && '+'})
      </summary>
      {isOpen && (
        <OpenSuggestions type="project" mine={mine}>
          {({ id, fields }) => (
            <Link to={`/projects/${id}`} className="suggested-for">
              {(fields as Partial<ProjectFields>).name ?? id}
            </Link>
          )}
        </OpenSuggestions>
      )}
    </details>
  )
}
