// A form of Vue over an open record, and a list that is loaded again when its records change.
import { canSave, createRecordClient, valuesOf } from 'noclobber/client'
import { defineElements } from 'noclobber/dom'
import 'noclobber/styles.css'
import { createApp, onScopeDispose, ref, shallowRef } from 'vue/dist/vue.esm-bundler.js'

const name = new URLSearchParams(location.search).get('name') ?? 'guest'
const client = createRecordClient({ token: () => name, userId: () => name })
defineElements(client)

/** An open record: `values` is what a form shows, `change` takes what is typed. */
function useRecord(type, id) {
  const editor = client.editor(type, id)
  const state = shallowRef(editor.get())
  const show = () => {
    state.value = editor.get()
  }
  onScopeDispose(editor.subscribe(show))
  return { editor, state, values: () => valuesOf(state.value), change: editor.change }
}

const app = createApp({
  setup() {
    const rows = ref([])
    const load = async () => {
      const list = await client.list('project', { sort: 'name' })
      if (list.outcome === 'found') rows.value = list.data
    }
    onScopeDispose(client.onEvents('project', load))
    return { ...useRecord('project', '1'), rows, canSave }
  },
  template: `
    <ul><li v-for="row in rows" :key="row.id">{{ row.fields.name }}: {{ row.fields.budget }}</li></ul>
    <form @submit.prevent="editor.save()">
      <noclobber-banner :editor="editor" review />
      <label>Name <input :value="values().name" @input="change('name', $event.target.value)"></label>
      <label>Budget <input type="number" :value="values().budget"
        @input="change('budget', $event.target.value === '' ? null : $event.target.valueAsNumber)"></label>
      <button :disabled="!canSave(state)">Save</button>
    </form>
    <noclobber-conflict record-type="project" record-id="1" />`,
})
app.config.compilerOptions.isCustomElement = (tag) => tag.startsWith('noclobber-')
app.mount('#app')
