// What the setting `noclobber.actor` claims is normalized, and what a node of ours says in it is signed, see
// writer-setting.ts. The functions that do so are made by functions/stamp.ts; a log of before gets them from 009-rights.ts, with
// the triggers that call them.

export const up = async (): Promise<void> => {}

export const down = async (): Promise<void> => {}
