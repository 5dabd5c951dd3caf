// What `records.revoke` takes: for connections, requests under way and other nodes alike.

/** Whose permission, or permission to what, may have changed. What is left out stands for all. */
export interface RevokeOptions {
  tenantId?: string
  userId?: string
  type?: string
  id?: string
  /** Closes these people's connections, whatever `authenticate` says of them. Needs a `userId`. Default `false`. */
  disconnect?: boolean
}
