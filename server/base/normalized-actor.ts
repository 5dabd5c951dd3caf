// People as `authenticate` and an app's own calls name them. Most tables have numbers as ids, and the log, the rooms and every
// comparison have texts: so ids become texts here, and nowhere else.
// Invariant: behind it an actor's `id`, `name` and `tenantId` are texts. What else the app gave is as it was.
import type { Actor } from './record-type.ts'

const isId = (value: unknown): value is string | number | bigint =>
  typeof value === 'string' || typeof value === 'bigint' || Number.isSafeInteger(value)

const textOf = (value: unknown, what: string): string => {
  if (isId(value)) return String(value)
  throw new Error(`authenticate gave an actor whose ${what} is neither a text nor a whole number.`)
}

/** For whom an agent acts. */
const normalizedPerson = ({ id, name }: { id: unknown; name: unknown }) => {
  const text = textOf(id, 'onBehalfOf.id')
  return { id: text, name: name === undefined || name === null ? text : String(name) }
}

/** @throws Error where an id is no id. An actor without a tenant is of the tenant `''`. */
export const normalizedActor = <A extends Actor>(actor: A): A => {
  const {
    id,
    name,
    tenantId,
    onBehalfOf,
  }: { id: unknown; name: unknown; tenantId: unknown } & Pick<Actor, 'onBehalfOf'> = actor
  const isPlain = typeof id === 'string' && typeof name === 'string' && typeof tenantId === 'string'
  if (isPlain && !onBehalfOf) return actor
  const own = {
    id: textOf(id, 'id'),
    name: name === undefined || name === null ? textOf(id, 'id') : String(name),
    tenantId: tenantId === undefined || tenantId === null ? '' : textOf(tenantId, 'tenantId'),
    ...(onBehalfOf && { onBehalfOf: normalizedPerson(onBehalfOf) }),
  }
  return Object.assign(Object.create(Object.getPrototypeOf(actor)), actor, own)
}

/** The person by whose memberships it goes: an agent's is the one for whom it acts. */
export const personIdOf = ({ id, onBehalfOf }: Pick<Actor, 'id' | 'onBehalfOf'>): string =>
  onBehalfOf?.id ?? id

/** The ids of what is revoked. */
export const normalizedIds = <Options extends object>(options: Options): Options =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      typeof value === 'number' || typeof value === 'bigint' ? String(value) : value,
    ]),
  ) as Options
