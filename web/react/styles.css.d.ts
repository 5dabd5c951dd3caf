// Lets a compiler find what `import 'noclobber/styles.css'` names.
export {}
