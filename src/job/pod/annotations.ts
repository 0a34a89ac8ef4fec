import * as z from 'zod'
import { labelKey, text } from '../request/field-schemas.ts'

/** Kubernetes allows an object 256 KiB; the stored request has them once more. */
const maxBytes = 16_384
const maxAnnotations = 64

const key = labelKey.refine((name) => !isReserved(name), {
  error:
    'an annotation that neither Jobferry (jobferry.dev/…) nor Kubernetes sets itself, and none of pod security',
})
const expected = `an object of strings: at most ${maxAnnotations} annotations, of ${maxBytes} bytes in all`

/** Of the Job and its pods. */
export const annotationsSchema = z
  .record(
    key,
    text('a string', () => true),
    expected,
  )
  .refine((given) => Object.keys(given).length <= maxAnnotations && bytesOf(given) <= maxBytes, expected)

function bytesOf(given: Readonly<Record<string, string>>): number {
  return Object.entries(given)
    .flat()
    .reduce((sum, one) => sum + Buffer.byteLength(one), 0)
}

/**
 * The Job controller's, too: it would count other pods than it made. And what once set the profiles of
 * containers, which some clusters still heed: it could undo pod security.
 */
function isReserved(name: string): boolean {
  return /^(?:[^/]*\.)?jobferry\.dev\//.test(name) || prefixes.some((prefix) => name.startsWith(prefix))
}

const prefixes = [
  'batch.kubernetes.io/',
  'container.apparmor.security.beta.kubernetes.io/',
  'seccomp.security.alpha.kubernetes.io/',
]
