// The words of who else is at a record, and of taking over from them.

export const englishPresenceMessages = {
  label: 'Also here',
  viewing: '{name} is viewing this',
  editing: '{name} is editing this',
  editingField: '{name} is editing {field}',
  idle: '{name} has this open in the background',
  unsaved: '{name} has unsaved changes, in the background',
  more: '+{count}',
}

/** The last four are what came of it. */
export const englishTakeOverMessages = {
  ask: 'Ask to take over',
  asks: '{name} asks to take over.',
  handOver: 'Hand over',
  refuse: 'Not now',
  waiting: 'You asked {name} to hand over.',
  handed_over: '{name} has handed over: you can go on.',
  not_now: '{name} is not done yet.',
  unreachable: '{name} could not be asked just now.',
}
