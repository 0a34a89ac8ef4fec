import type { PartialRequest } from '../request/request-schema.ts'
import { matchesWildcard } from './wildcard.ts'

export type Toleration = NonNullable<PartialRequest['tolerations']>[number]

/**
 * Whether a toleration tolerates no other taints than those of a pattern `key[=value][:effect]`,
 * kubectl's form of a taint. One without a key tolerates every taint, and matches no pattern.
 */
export function matchesTaint({ key, operator, value, effect }: Toleration, pattern: string): boolean {
  const [, keys = '', values, effects] = /^([^=:]+)(?:=([^:]*))?(?::(.*))?$/.exec(pattern) ?? []
  if (key === undefined || !matchesWildcard(key, keys)) return false
  if (effects !== undefined && effect !== effects) return false
  if (values === undefined) return true
  return operator !== 'Exists' && matchesWildcard(value ?? '', values)
}
