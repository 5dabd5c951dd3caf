// Writes of this page that the server lost when its database was restored. A project opens with the edit, which can be restored
// there; a task's cell opens with the value in it.
import type { LostSave } from 'noclobber/client'
import { LostSaves } from 'noclobber/react'
import { navigate } from '../base/router.ts'
import { WORDS } from '../base/words.ts'

/** `onTask`: where tasks are; elsewhere the line waits for the page of tasks. */
export const Lost = ({ onTask }: { onTask?: (save: LostSave) => boolean }) => (
  <div className="lost">
    <LostSaves
      nameOf={({ id, changes }) => String(changes.name ?? changes.title ?? WORDS.unsent.unnamed(id))}
      onOpen={(save) => {
        if (save.type === 'task' && onTask) return onTask(save)
        void navigate(save.type === 'project' ? `/projects/${encodeURIComponent(save.id)}` : '/tasks')
        return save.type === 'project'
      }}
    />
  </div>
)
