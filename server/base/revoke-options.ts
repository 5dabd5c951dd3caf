// What `records.revoke` takes: for connections, requests under way and other nodes alike.
import type { Actor } from './record-type.ts'

/** Whose permission, or permission to what, may have changed. What is left out stands for all. */
export interface RevokeOptions {
  /** Whose: without it people of every tenant. */
  tenantId?: string
  /** The agents that act for this person too. */
  userId?: string
  /** Records of this type alone. */
  type?: string
  /** This record of the type alone. */
  id?: string
  /** Closes these people's connections, whatever `authenticate` says of them. Needs a `userId`. Default `false`. */
  disconnect?: boolean
}

/** Whether this person is meant: an actor, or the person for whom it acts. */
export const isUser = ({ id, onBehalfOf }: Actor, userId: string): boolean =>
  id === userId || onBehalfOf?.id === userId
