import type { Agent } from 'undici'
import { StoreError } from '../../store.ts'
import { elementText } from '../s3-xml.ts'
import type { Issuer, ReadersSettings } from './issuer.ts'
import { callRefusal, signedCall } from './signed-call.ts'

/** AWS' bounds in seconds; a role may have a lower maximum, which AWS' error message names. */
const least = 900
const most = 43_200

/** Sessions of AssumeRole; the policy of a session narrows the permissions of the store's key. */
export function assumedRoles(settings: ReadersSettings, agent: Agent): Issuer {
  const { endpoint, stsEndpoint = endpoint, stsRoleArn: roleArn, region, accessKey, secretKey } = settings
  return {
    async issue(id, policy, seconds) {
      const form = new URLSearchParams({
        Action: 'AssumeRole',
        Version: '2011-06-15',
        DurationSeconds: String(Math.min(most, Math.max(least, seconds))),
        Policy: policy,
        ...(roleArn !== undefined && { RoleArn: roleArn, RoleSessionName: `jobferry-${id}`.slice(0, 64) }),
      })
      const answer = await signedCall(agent, {
        ...{ method: 'POST', endpoint: stsEndpoint, path: '/', service: 'sts', region, accessKey, secretKey },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      })
      if (answer.status !== 200) throw callRefusal('AssumeRole', answer)
      const value = (name: string) => {
        const found = elementText(answer.text, name)
        if (found) return found
        throw new StoreError('unavailable', `AssumeRole: the answer has no ${name}`)
      }
      return {
        accessKeyId: value('AccessKeyId'),
        secretAccessKey: value('SecretAccessKey'),
        sessionToken: value('SessionToken'),
        expiresAt: new Date(value('Expiration')),
      }
    },

    // A session cannot be revoked; it ends when it expires.
    revoke: () => Promise.resolve(),
  }
}
