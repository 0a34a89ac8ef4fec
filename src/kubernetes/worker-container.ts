import type { JobPlan } from '../job/backend.ts'
import type { JobRequest } from '../job/request.ts'
import { containers, jobName, paths, secretKeys, volumes } from './names.ts'
import type { Container } from './objects.ts'
import type { KubernetesSettings } from './settings.ts'

/** Which kind of object an environment is; `plain` also where there is none, so that the kubelet names it. */
export type EnvironmentKind = 'plain' | 'secret'

/** Set by Jobferry in every worker. */
const ownVariables = new Set(['RESULT_DIRECTORY', 'INPUT_DIRECTORY'])

/** The user's image, its entrypoint untouched. It has no token, no credentials and gains no privileges. */
export function workerContainer(
  plan: JobPlan,
  settings: KubernetesSettings,
  stopToken: string,
  environmentKinds: readonly EnvironmentKind[],
): Container {
  const { request } = plan
  return {
    name: containers.worker,
    image: request.image ?? settings.uploaderImage,
    ...(request.image_pull_policy === undefined ? {} : { imagePullPolicy: request.image_pull_policy }),
    ...(request.command === undefined ? {} : { command: request.command.map(literal) }),
    ...(request.args === undefined ? {} : { args: request.args.map(literal) }),
    envFrom: environmentSources(plan, environmentKinds),
    env: environmentVariables(plan),
    resources: workerResources(request),
    // Tells the uploader that time is short, in the instant in which a deletion begins; a number, since names of
    // ports are looked up in the worker's own.
    lifecycle: { preStop: { httpGet: { path: `/stop/${stopToken}`, port: settings.uploaderPort } } },
    securityContext: workerSecurity(request, settings),
    volumeMounts: [
      { name: volumes.results, mountPath: request.result_directory },
      { name: volumes.inputs, mountPath: paths.inputs },
      ...request.volumes.map(({ mount_path: mountPath, read_only: readOnly }, index) => ({
        name: volumes.claim(index),
        mountPath,
        readOnly,
      })),
    ],
  }
}

/** Kubernetes replaces `$(NAME)` and `$$` in commands; doubled, a `$` arrives as it was sent. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$')
}

/** Later sources win over earlier ones, and single variables over all of them. */
function environmentSources(
  { uuid, request }: JobPlan,
  kinds: readonly EnvironmentKind[],
): NonNullable<Container['envFrom']> {
  const own = Object.keys(request.job_env).length > 0 ? [{ configMapRef: { name: jobName(uuid) } }] : []
  return [
    ...own,
    ...request.config_map_ref.map((name, index) =>
      kinds[index] === 'secret' ? { secretRef: { name } } : { configMapRef: { name } },
    ),
  ]
}

/** References to single keys: the Secret's other keys, the uploader's credentials, stay out of the worker. */
function environmentVariables({ uuid, request }: JobPlan): NonNullable<Container['env']> {
  const names = Object.keys(request.env).filter((name) => !ownVariables.has(name))
  return [
    ...names.map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: jobName(uuid), key: secretKeys.env(name) } },
    })),
    { name: 'RESULT_DIRECTORY', value: literal(request.result_directory) },
    { name: 'INPUT_DIRECTORY', value: paths.inputs },
  ]
}

/** Limits equal to the requests: quotas ask for both, and a worker gets what it asked for and no more. */
function workerResources({ cpu, memory, gpu }: JobRequest): NonNullable<Container['resources']> {
  const asked = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(gpu === undefined || gpu === 0 ? {} : { 'nvidia.com/gpu': String(gpu) }),
  }
  return { requests: asked, limits: asked }
}

function workerSecurity(
  { run_as_user: user }: JobRequest,
  settings: KubernetesSettings,
): NonNullable<Container['securityContext']> {
  const least = { allowPrivilegeEscalation: false }
  if (settings.podSecurity === 'restricted') return { ...least, capabilities: { drop: ['ALL'] } }
  return user === undefined ? least : { ...least, runAsUser: user }
}
