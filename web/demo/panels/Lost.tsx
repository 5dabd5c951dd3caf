// Writes of this page that the server lost when its database was restored. A project opens with the edit, which can be restored there.
import { LostSaves } from 'noclobber/react'
import { navigate } from '../base/router.ts'
import { WORDS } from '../base/words.ts'

export const Lost = () => (
  <div className="lost">
    <LostSaves
      nameOf={({ id, changes }) => String(changes.name ?? changes.title ?? WORDS.unsent.unnamed(id))}
      onOpen={({ type, id }) =>
        void navigate(type === 'project' ? `/projects/${encodeURIComponent(id)}` : '/tasks')
      }
    />
  </div>
)
