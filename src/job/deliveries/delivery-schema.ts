import * as z from 'zod'
import { isFolder, parseSource } from '../inputs/source-address.ts'
import { patterns } from '../outputs/pattern-schema.ts'
import { isDnsSubdomain } from '../request/syntax.ts'

const mostTargets = 5
/** All are in the annotation with the request. */
const mostBytes = 30_000
/** Of the 1024 bytes of a key; the rest is for the names below it. */
const mostPrefixBytes = 700
const toExpected = `s3://bucket/ or s3://bucket/prefix/, with a prefix of at most ${mostPrefixBytes} bytes`
const secretExpected = 'the name of the Secret with the keys of the bucket'

const target = z.strictObject(
  {
    to: z.string(toExpected).refine(isBucketFolder, toExpected),
    secret: z.string(secretExpected).refine(isDnsSubdomain, secretExpected),
    include: patterns.exactOptional(),
  },
  'an object of to, secret and include',
)

export const deliveryTargets = z
  .array(target, 'a list of objects of to, secret and include')
  .min(1, 'at least one target, or no such list')
  .max(mostTargets, `at most ${mostTargets} targets`)
  .refine((targets) => new Set(targets.map(({ to }) => to)).size === targets.length, {
    error: 'each target once',
  })
  .superRefine((targets, context) => {
    for (const [index, { to }] of targets.entries()) {
      const other = targets.find((target) => target.to !== to && to.startsWith(target.to))
      if (other === undefined) continue
      const message = `a prefix that is not below that of another target: ${to} is in ${other.to}`
      context.addIssue({ code: 'custom', path: [index, 'to'], message })
    }
  })
  .refine((targets) => JSON.stringify(targets).length <= mostBytes, {
    error: `targets of together at most ${mostBytes} characters as JSON`,
  })

function isBucketFolder(to: string): boolean {
  const address = parseSource(to)
  return address?.kind === 's3' && isFolder(address) && Buffer.byteLength(address.key) <= mostPrefixBytes
}
