// The projects that were deleted, with a way back: looked up once somebody asks for them.
import { DeletedRecords } from 'noclobber/history'
import { useState } from 'react'
import type { ProjectFields } from '../base/records.ts'
import { WORDS } from '../base/words.ts'

const words = WORDS.projects

export const DeletedProjects = () => {
  const [isOpen, setOpen] = useState(false)
  return (
    <details className="card deleted-projects" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.deleted}</summary>
      {isOpen && (
        <>
          <p>{words.deletedHint}</p>
          <DeletedRecords
            type="project"
            nameOf={({ fields }) => (fields as Partial<ProjectFields>).name ?? ''}
          />
        </>
      )}
    </details>
  )
}
