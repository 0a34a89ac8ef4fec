import { Agent } from 'undici'
import type { ObjectReaders } from '../../read-access.ts'
import { trusting } from '../s3-trust.ts'
import { minioAccessKeys } from './access-keys.ts'
import { assumedRoles } from './assumed-roles.ts'
import type { ReadersSettings } from './issuer.ts'

export function createObjectReaders(settings: ReadersSettings): ObjectReaders {
  const { bucket, region, publicEndpoint: endpoint } = settings
  const connect = trusting(settings.ca)
  const agent = new Agent({ allowH2: false, headersTimeout: 15_000, bodyTimeout: 15_000, connect })
  const issuer =
    settings.readerCredentials === 'session'
      ? assumedRoles(settings, agent)
      : minioAccessKeys(settings, agent)
  const prefix = settings.prefix.replace(/^\/+|\/+$/g, '').replace(/.$/u, '$&/')
  return {
    async allow(id, key, seconds) {
      const full = prefix + key
      const issued = await issuer.issue(id, readPolicy(bucket, full), seconds)
      return { bucket, key: full, region, endpoint, ...issued }
    },
    revoke: (id) => issuer.revoke(id),
    close: () => agent.close(),
  }
}

/**
 * Policy that allows GetObject on one key. `*` and `$`, special characters of a policy, become `?`,
 * which matches any one character.
 */
export function readPolicy(bucket: string, key: string): string {
  const resource = `arn:aws:s3:::${bucket}/${key.replaceAll(/[*$]/g, '?')}`
  const statement = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: [resource] }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}
