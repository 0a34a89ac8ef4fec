import type { JobPlan } from '../../../job/backend.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import { type EffectiveStep, stepsOf } from '../../../job/steps/effective-steps.ts'
import { reusedSteps } from '../../../job/steps/restart.ts'
import { scratchVariable } from '../../../job/steps/step-conflicts.ts'
import { shellCommand } from '../../../job/steps/step-shell.ts'
import { heldFile, wordVariable } from '../../../job/word/word-folder.ts'
import { defined } from '../../../util/objects.ts'
import type { Container } from '../api/objects.ts'
import { containers, jobName, paths, secretKeys, stepContainer, volumes } from '../names.ts'
import type { KubernetesSettings } from '../settings.ts'
import { wordPath } from './mounts.ts'
import { programResources } from './program-resources.ts'

/**
 * The kind of object of an environment; `plain` also for a missing one, so that the kubelet names
 * it.
 */
export type EnvironmentKind = 'plain' | 'secret'

/** Set by Jobferry in every worker. */
const ownVariables = new Set(['RESULT_DIRECTORY', 'INPUT_DIRECTORY'])

/** A program that a container of the pod runs. */
interface Program extends Partial<EffectiveStep> {
  container: string
  /** Its place among the job's steps, from 0 on; absent for a job without steps. */
  index?: number
}

/**
 * The containers of the job's programs in their order, the worker last: one for a job without
 * steps. Each has the user's image with its own entrypoint. It has no token and no credentials, and
 * gains no privileges. Steps that are reused have none.
 */
export function programContainers(
  plan: JobPlan,
  settings: KubernetesSettings,
  preStopToken: string,
  environmentKinds: readonly EnvironmentKind[],
): { steps: Container[]; worker: Container } {
  const { worker } = containers
  const all = stepsOf(plan.request)
    .map((step, index) => ({ ...step, index, container: stepContainer(step.name) }))
    .slice(reusedSteps(plan.request.steps, plan.restart))
  const last: Program = all.pop() ?? { ...programOf(plan.request), container: worker }
  const make = (program: Program) => programContainer(program, plan, settings, environmentKinds)
  // Notifies the uploader as soon as a deletion begins. The port is a number, since a name would
  // be looked up among the worker's own ports. Kubernetes allows no hook to the other steps.
  const preStop = { httpGet: { path: `/stop/${preStopToken}`, port: settings.uploaderPort } }
  return {
    steps: all.map(make),
    worker: { ...make({ ...last, container: worker }), lifecycle: { preStop } },
  }
}

/** The one program of a job without steps. */
function programOf(request: JobRequest): Partial<EffectiveStep> {
  const { image, command, args, cpu, cpu_request, memory, memory_request, gpu } = request
  const { extended_resources, ephemeral_storage } = request
  return defined({
    ...{ image, command, args, cpu, cpu_request, memory, memory_request, gpu },
    ...{ extended_resources, ephemeral_storage },
  })
}

function programContainer(
  program: Program,
  plan: JobPlan,
  settings: KubernetesSettings,
  environmentKinds: readonly EnvironmentKind[],
): Container {
  const { request } = plan
  return {
    name: program.container,
    image: program.image ?? settings.uploaderImage,
    ...defined({ imagePullPolicy: request.image_pull_policy }),
    ...commandOf(program, request),
    ...defined({ workingDir: program.working_directory }),
    envFrom: environmentSources(plan, environmentKinds),
    env: environmentVariables(plan, program),
    resources: programResources(program),
    securityContext: workerSecurity(request, settings),
    volumeMounts: programMounts(plan, program),
  }
}

function commandOf(program: Program, request: JobRequest): Pick<Container, 'command' | 'args'> {
  const { command, args, index } = program
  const seconds = request.hold_after_failure_seconds
  const shell = shellCommand(program, {
    resultDirectory: request.result_directory,
    pipes: `${paths.scratch}/.step-${index}`,
    terminationMessage: '/dev/termination-log',
    hold: seconds === undefined ? undefined : { seconds, file: `${wordPath(request)}/${heldFile}` },
  })
  if (shell !== undefined) return { command: shell.map(literal) }
  return defined({ command: command?.map(literal), args: args?.map(literal) })
}

function programMounts(
  { request, readOnlyInputs }: JobPlan,
  program: Program,
): NonNullable<Container['volumeMounts']> {
  const hasSteps = request.steps !== undefined
  return [
    { name: volumes.results, mountPath: request.result_directory },
    {
      name: volumes.inputs,
      mountPath: paths.inputs,
      ...((hasSteps || readOnlyInputs) && { readOnly: true }),
    },
    ...(hasSteps ? [{ name: volumes.scratch, mountPath: paths.scratch }] : []),
    ...(request.shared_memory === undefined
      ? []
      : [{ name: volumes.sharedMemory, mountPath: paths.sharedMemory }]),
    ...request.volumes.map(({ mount_path: mountPath, read_only: readOnly }, index) => ({
      name: volumes.claim(index),
      mountPath,
      readOnly,
    })),
    // The last one, as not every program has it: the others' places are the same in all.
    ...(hasWord(request, program) ? [{ name: volumes.word, mountPath: wordPath(request) }] : []),
  ]
}

/** A request of before may have a variable of that name for its own use. */
function hasWord({ env, job_env: jobEnv }: JobRequest, program: Program): boolean {
  return ![env, jobEnv, program.env ?? {}].some((own) => Object.hasOwn(own, wordVariable))
}

/** Kubernetes replaces `$(NAME)` and `$$` in commands: a doubled `$` arrives as one. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$')
}

/** Later sources override earlier ones, and single variables override all sources. */
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
    ...(request.env_from ?? []).map(({ secret, config_map: configMap = '' }) =>
      secret === undefined ? { configMapRef: { name: configMap } } : { secretRef: { name: secret } },
    ),
  ]
}

/**
 * References to single keys: the Secret's other keys, the uploader's credentials, stay out of the
 * worker.
 */
function environmentVariables({ uuid, request }: JobPlan, program: Program): NonNullable<Container['env']> {
  const { index, env = {} } = program
  const names = Object.keys({ ...request.env, ...env }).filter((name) => !ownVariables.has(name))
  const keyOf = (name: string) =>
    index !== undefined && Object.hasOwn(env, name) ? secretKeys.stepEnv(index, name) : secretKeys.env(name)
  return [
    ...names.map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: jobName(uuid), key: keyOf(name) } },
    })),
    { name: 'RESULT_DIRECTORY', value: literal(request.result_directory) },
    { name: 'INPUT_DIRECTORY', value: paths.inputs },
    ...(hasWord(request, program) ? [{ name: wordVariable, value: wordPath(request) }] : []),
    ...(index === undefined ? [] : [{ name: scratchVariable, value: paths.scratch }]),
  ]
}

/**
 * For `baseline`: images run as they are, as root too, without those of the container runtime's
 * default capabilities that serve attacks more than jobs: raw sockets (spoofing in the pod's
 * network), device nodes, entries in the node's audit log.
 */
const droppedCapabilities = ['NET_RAW', 'MKNOD', 'AUDIT_WRITE']

function workerSecurity(
  { run_as_user: user }: JobRequest,
  settings: KubernetesSettings,
): NonNullable<Container['securityContext']> {
  const least = { allowPrivilegeEscalation: false, seccompProfile: { type: 'RuntimeDefault' } }
  if (settings.podSecurity === 'restricted') return { ...least, capabilities: { drop: ['ALL'] } }
  const baseline = { ...least, capabilities: { drop: [...droppedCapabilities] } }
  return user === undefined ? baseline : { ...baseline, runAsUser: user }
}
