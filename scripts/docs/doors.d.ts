/** Names of a door, as the built types have them. */
interface Entry {
  name: string
  comment: string
  members: { name: string; comment: string; text: string }[]
}
export function readDoors(root: string): { name: string; entries: Entry[] }[]
