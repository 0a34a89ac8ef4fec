import type { JobRequest } from '../../../client/index.ts'
import { usageError } from '../../exit-codes.ts'

/** The flags of the submission helper for Kubernetes that comes with CAF, a framework of particle physics. */
export interface HelperFlags {
  k8sImage?: string
  k8sRegistrySecret?: string
  k8sVolumeClaim?: string
  k8sMountPath?: string
}

/** Its Jobs and pods have it: `kubectl get jobs -l app=submission-helper`. */
const helperLabel = { app: 'submission-helper' }

/** True once one of the flags is given: then the others have their defaults. */
export function usesHelper(flags: HelperFlags): boolean {
  const { k8sImage, k8sRegistrySecret, k8sVolumeClaim, k8sMountPath } = flags
  return [k8sImage, k8sRegistrySecret, k8sVolumeClaim, k8sMountPath].some((flag) => flag !== undefined)
}

/** The request with what the flags say; an empty Secret or claim is none. */
export function withHelperFlags(request: JobRequest, flags: HelperFlags): JobRequest {
  const { k8sImage: image, k8sRegistrySecret: secret = 'sh-k8s-registry-secret' } = flags
  const { k8sVolumeClaim: claim = 'ntuples-claim', k8sMountPath: mount_path = '/ntuples' } = flags
  const volumes = Array.isArray(request.volumes) ? request.volumes : []
  return {
    ...request,
    ...(image !== undefined && { image }),
    ...(secret !== '' && { image_pull_secret: secret }),
    ...(claim !== '' && { volumes: [...volumes, { claim, mount_path }] }),
    labels: { ...helperLabel, ...(request.labels as object | undefined) },
  }
}

/** A login shell, as the helper has it: what sets the environment up stands in the image's .bashrc. */
export function bashCommand(payload: string): string[] {
  return ['bash', '-cl', payload]
}

/** One word is a text for the shell; several are a program and its arguments, as they are. */
export function payloadOf(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? '') : words.map(quoted).join(' ')
}

/** Throws a CommandError for a payload of blanks. */
export function checkPayload(payload: string): string {
  if (payload.trim() !== '') return payload
  throw usageError('the payload is empty; expected a command for bash')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
