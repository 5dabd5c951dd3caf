// The door `noclobber/dom`: forms and elements for pages without React. Styles are `noclobber/styles.css`.

export { type BindFormOptions, bindForm } from './bind-form.ts'
export { type BannerElement, defineElements } from './elements.ts'
